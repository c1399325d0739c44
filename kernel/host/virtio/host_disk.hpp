// SPDX-License-Identifier: MIT
// Driver of one of the machine's own virtio block devices (VIRTIO 1.2, section 5.2), modern or
// legacy: several requests in flight, each over buffers of anybody's, which it reads and writes
// itself. No request is waited for: the device's interrupt tells of those that have ended.
//
//     submit ──► header, buffers, status ──► device ──► interrupted ──► HostDiskOwner::completed
//
// Any hart; a lock of its own, within which owners are told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

class HostDiskOwner {
  public:
    /// A request is over: its buffers are its owner's again. Under the disk's lock: nothing is to
    /// be submitted from within.
    virtual void completed(void* token, virtio_block::Status status) = 0;

  protected:
    ~HostDiskOwner() = default;
};

/// Without a virtual function, so that all of it is zeroes at first, and its rings lie in .bss.
class HostDisk {
  public:
    /// Buffers of a request.
    static constexpr std::size_t most_buffers = 80;
    static constexpr std::size_t most_in_flight = 16;

    struct Request {
        virtio_block::RequestType type;  ///< in, out or flush
        std::uint64_t sector;
        /// Whole sectors within the disk, together; none of a flush.
        std::span<const std::span<std::byte>> buffers;
        void* token;  ///< what its owner knows it by; not null
    };

    constexpr HostDisk() = default;
    HostDisk(const HostDisk&) = delete;
    HostDisk& operator=(const HostDisk&) = delete;

    /// Starts the device, which interrupts as `source`. Once; `registers` outlive it.
    [[nodiscard]] std::expected<void, VirtioFault> start(VirtioRegisters& registers,
                                                         HostSource source);
    /// In bytes.
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] bool is_read_only() const { return read_only_; }

    /// False where it has one already. It is told of what is completed until `release`.
    [[nodiscard]] bool claim(HostDiskOwner& owner);
    /// What it has submitted is over.
    void release();

    /// False where there is no room now: some of what was submitted is not over. Of a disk that has
    /// gone wrong everything is completed at once, as an error.
    [[nodiscard]] bool submit(const Request& request);
    /// Completes what has ended, without its interrupt.
    void look();
    void interrupted();

  private:
    /// Of a request in flight, where the device finds it.
    struct Slot {
        virtio_block::BlockRequest header{};
        std::byte status{};
        virtio_block::RequestType type{};
        void* token = nullptr;  ///< null: it is free
        std::uint64_t bytes = 0;
    };

    [[nodiscard]] std::expected<void, VirtioFault> read_size() CAIRN_REQUIRES(lock_);
    [[nodiscard]] Slot* free_slot() CAIRN_REQUIRES(lock_);
    void take_completed() CAIRN_REQUIRES(lock_);
    void complete(Slot& slot, virtio_block::Status status) CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue queue_ CAIRN_GUARDED_BY(lock_);
    std::array<Slot, most_in_flight> slots_ CAIRN_GUARDED_BY(lock_){};
    HostDiskOwner* owner_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::uint64_t size_ = 0;
    HostSource source_{};
    bool read_only_ = false;
    bool has_flush_ = false;
    bool works_ CAIRN_GUARDED_BY(lock_) = false;
};

/// The machine's disks, in the order of its device tree; nullptr where there are fewer.
[[nodiscard]] HostDisk* host_disk(std::size_t number);
[[nodiscard]] std::size_t host_disk_count();
/// One more, or nullptr where there is no room for it.
[[nodiscard]] HostDisk* next_host_disk();
/// The one that `next_host_disk` gave works.
void add_host_disk();

}  // namespace cairn
