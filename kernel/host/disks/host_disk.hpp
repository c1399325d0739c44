// SPDX-License-Identifier: MIT
// Driver of one of the machine's own virtio block devices (VIRTIO 1.2, section 5.2), modern or
// legacy: several requests in flight, each over buffers of anybody's, which it reads and writes
// itself. No request is waited for: the device's interrupt tells of those that have ended.
//
//     submit ──► header, buffers, status ──► device ──► interrupted ──► HostDiskUser::completed
//
// Several users may have a range of it each, and reach no further. What is in flight is shared out
// evenly among them, so nobody waits for somebody else's next request.
//
// Any hart; a lock of its own, within which users are told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/host/disks/disk_range.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

class HostDisk;

/// Who has a range of a disk, and room for what is in flight.
class HostDiskUser {
  public:
    /// Buffers of a request to any disk.
    static constexpr std::size_t most_buffers = 253;
    static constexpr std::size_t most_in_flight = 16;

    HostDiskUser() = default;
    HostDiskUser(const HostDiskUser&) = delete;
    HostDiskUser& operator=(const HostDiskUser&) = delete;

  protected:
    ~HostDiskUser() = default;

  private:
    friend class HostDisk;

    // Both under the disk's lock: nothing is to be submitted from within.
    /// A request is over: its buffers are its user's again.
    virtual void completed(void* token, virtio_block::Status status) = 0;
    /// For a request that was refused there may be room now.
    virtual void room_again() = 0;

    /// Header and status of a request have descriptors of their own; so has a range.
    static constexpr std::size_t descriptors_beside = 3;
    /// Of a request in flight, where the device finds it.
    struct Slot {
        std::array<virtio_ring::Descriptor, most_buffers + descriptors_beside> table;
        virtio_block::BlockRequest header;
        virtio_block::BlockRange range;  ///< of what is discarded or zeroed
        std::byte status;
        HostDiskUser* user;
        void* token = nullptr;  ///< null: it is free
        std::uint64_t bytes;    ///< that the device is to write, without its status
    };

    [[nodiscard]] Slot* free_slot();

    HostDiskUser* next_ = nullptr;  ///< of the disk
    DiskRange range_;
    bool reads_alone_ = false;
    bool is_refused_ = false;
    std::uint32_t in_flight_ = 0;
    std::array<Slot, most_in_flight> slots_;
};

/// Without a virtual function, so that all of it is zeroes at first, and its rings lie in .bss.
class HostDisk {
  public:
    struct Request {
        virtio_block::RequestType type;  ///< any but get_id
        std::uint64_t sector;            ///< of its user's range
        /// Whole sectors, together; of reads and writes alone.
        std::span<const std::span<std::byte>> buffers;
        void* token;                ///< what its user knows it by; not null
        std::uint32_t sectors = 0;  ///< that are discarded or zeroed
        bool unmaps = false;        ///< they may be unmapped where they are zeroed
    };

    constexpr HostDisk() = default;
    HostDisk(const HostDisk&) = delete;
    HostDisk& operator=(const HostDisk&) = delete;

    /// Starts the device, which interrupts as `source`. Once; `registers` outlive it.
    [[nodiscard]] std::expected<void, VirtioFault> start(VirtioRegisters& registers,
                                                         HostSource source);
    [[nodiscard]] std::uint64_t sectors() const { return sectors_; }
    /// Requests come in multiples of these bytes.
    [[nodiscard]] std::uint32_t block_size() const { return block_size_; }
    /// Buffers of a request: with header, status and a range, the entries of its queue.
    [[nodiscard]] std::uint32_t buffer_limit() const { return buffer_limit_; }
    [[nodiscard]] bool is_read_only() const { return read_only_; }
    [[nodiscard]] const virtio_block::ZeroingLimits& zeroing_limits() const { return zeroing_; }

    enum class ClaimFault : std::uint8_t {
        taken,     ///< another user has some of it
        too_many,  ///< users
    };
    /// The user has those sectors of the disk until `release`, and no other has.
    [[nodiscard]] std::expected<void, ClaimFault> claim(HostDiskUser& user, DiskRange range);
    /// The user may read all of it, whoever has what.
    [[nodiscard]] std::expected<void, ClaimFault> join_to_read(HostDiskUser& user);
    /// What it has submitted is over.
    void release(HostDiskUser& user);

    /// False where there is no room now; `room_again` tells of some. Of a disk that has gone wrong
    /// everything is completed at once, as an error, and so is what is not in the user's range.
    [[nodiscard]] bool submit(HostDiskUser& user, const Request& request);
    /// Completes what has ended, without its interrupt, and the end of a reset, too.
    void look();
    void interrupted();
    /// The device is reset, and everything is an error from here on. False where its reset is not
    /// over, and what is in flight stays there until it is.
    [[nodiscard]] bool leave_alone(std::string_view why);

  private:
    using Slot = HostDiskUser::Slot;
    using Status = virtio_block::Status;
    static constexpr std::size_t most_descriptors = std::tuple_size_v<decltype(Slot::table)>;

    [[nodiscard]] std::expected<void, VirtioFault> read_config() CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::expected<void, ClaimFault> add(HostDiskUser& user, DiskRange range,
                                                      bool reads_alone) CAIRN_REQUIRES(lock_);
    void share_out() CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool has_room(const HostDiskUser& user, std::size_t buffers) const
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool may_submit(const HostDiskUser& user, const Request& request) const
        CAIRN_REQUIRES(lock_);
    void send(Slot& slot, const Request& request) CAIRN_REQUIRES(lock_);
    void add_by_descriptors(std::span<const virtio_ring::Descriptor> table, Slot& slot)
        CAIRN_REQUIRES(lock_);
    void take_completed() CAIRN_REQUIRES(lock_);
    void complete(Slot& slot, Status status) CAIRN_REQUIRES(lock_);
    void tell_of_room() CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);
    void end_reset() CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue queue_ CAIRN_GUARDED_BY(lock_);
    HostDiskUser* users_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::uint32_t user_count_ CAIRN_GUARDED_BY(lock_) = 0;
    std::uint32_t share_ CAIRN_GUARDED_BY(lock_) = 0;    ///< requests in flight of each
    std::uint32_t refused_ CAIRN_GUARDED_BY(lock_) = 0;  ///< users that wait for room
    std::uint64_t sectors_ = 0;
    std::uint32_t block_size_ = 0;
    std::uint32_t buffer_limit_ = 0;
    virtio_block::ZeroingLimits zeroing_{};
    HostSource source_{};
    bool read_only_ = false;
    bool has_flush_ = false;
    bool has_tables_ CAIRN_GUARDED_BY(lock_) = false;  ///< a request takes one descriptor
    bool works_ CAIRN_GUARDED_BY(lock_) = false;
    bool is_resetting_ CAIRN_GUARDED_BY(lock_) = false;  ///< it is given up, and may still write
};

[[nodiscard]] std::string_view to_string(HostDisk::ClaimFault fault);

/// The machine's disks, in the order of its device tree; nullptr where there are fewer.
[[nodiscard]] HostDisk* host_disk(std::size_t number);
[[nodiscard]] std::size_t host_disk_count();
/// One more, or nullptr where there is no room for it.
[[nodiscard]] HostDisk* next_host_disk();
/// The one that `next_host_disk` gave works.
void add_host_disk();

}  // namespace cairn
