// SPDX-License-Identifier: MIT
// Driver of the machine's own virtio network device (VIRTIO 1.2, section 5.1), modern or legacy.
// The device reads what is sent where its owner has it, and writes what it receives into buffers
// of the driver's, which its owner reads in place:
//
//     send ──────► header, pieces ──► device ──► take_sent
//     done_with ──► buffers ────────► device ──► take_received
//                                        └─ interrupted ──► HostNetOwner::wants_turn
//
// No offload is asked for: each frame is whole, with its check sums. The link counts as up. Any
// hart; a lock of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include "kernel/arch/devices/virtio_net_packets.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

class HostNetOwner {
  public:
    /// Frames have come, or frames that were sent are over: a turn takes both, until there is
    /// nothing of either, and only then is it told again. On any hart, also from within its turn;
    /// no lock of the driver's is held.
    virtual void wants_turn() = 0;

  protected:
    ~HostNetOwner() = default;
};

/// Without a virtual function, so that all of it is zeroes at first, and its rings lie in .bss.
class HostNet {
  public:
    using Mac = std::array<std::uint8_t, virtio_net::mac_size>;
    /// Of a frame that is sent, without those that are empty.
    static constexpr std::size_t most_pieces = 31;
    /// Frames that can be received before one is given back.
    static constexpr std::size_t most_buffers = 64;
    static constexpr std::size_t buffer_bytes = 2048;

    struct Received {
        std::span<const std::byte> frame;  ///< ethernet_header_size to ethernet_frame_size bytes
        void* buffer;                      ///< the driver's
    };

    constexpr HostNet() = default;
    HostNet(const HostNet&) = delete;
    HostNet& operator=(const HostNet&) = delete;

    /// Starts the device, which interrupts as `source`. Once; `registers` outlive it.
    [[nodiscard]] std::expected<void, VirtioFault> start(VirtioRegisters& registers,
                                                         HostSource source);
    /// The machine cannot have it: as if it had not been started.
    void leave();
    /// Whether it has started, and not gone wrong since.
    [[nodiscard]] bool works() const { return works_.load(std::memory_order_relaxed); }
    /// The device's, or a random one where it has none.
    [[nodiscard]] Mac mac() const { return mac_; }
    /// Bytes behind the Ethernet header, at most ethernet_mtu.
    [[nodiscard]] std::uint16_t mtu() const { return mtu_; }
    /// Received frames that were none, or too long to be passed on.
    [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

    /// `owner` outlives it, and is told at once, in case something has come already.
    void serve(HostNetOwner& owner);

    /// Sends a frame of `mtu` and the header at most, whose pieces the device reads until
    /// `take_sent` has given `token`, which is not null. False where there is no room now, or where
    /// it does not work.
    [[nodiscard]] bool send(std::span<const std::span<const std::byte>> pieces, void* token);
    /// The next token whose frame is over: of all of them, once it does not work any more.
    [[nodiscard]] std::optional<void*> take_sent();

    /// The next frame, whose bytes stay until `done_with`.
    [[nodiscard]] std::optional<Received> take_received();
    void done_with(const Received& received);

    void interrupted();

  private:
    /// The header has a descriptor of its own, as legacy devices want it (section 5.1.6.6).
    struct Buffer {
        virtio_net::PacketHeader header;
        std::array<std::byte, buffer_bytes - sizeof(virtio_net::PacketHeader)> frame;
    };
    static_assert(sizeof(Buffer) == buffer_bytes);

    void read_config() CAIRN_REQUIRES(lock_);
    void fill_receive_queue() CAIRN_REQUIRES(lock_);
    void lend(Buffer& buffer) CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::optional<DriverQueue::Used> next_used(DriverQueue& queue)
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::optional<Received> look_into(const DriverQueue::Used& used)
        CAIRN_REQUIRES(lock_);
    void notify(std::uint32_t index, const DriverQueue& queue) CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);
    void tell() CAIRN_EXCLUDES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue receive_ CAIRN_GUARDED_BY(lock_);
    DriverQueue transmit_ CAIRN_GUARDED_BY(lock_);
    alignas(64) std::array<Buffer, most_buffers> buffers_ CAIRN_GUARDED_BY(lock_){};
    /// Of every frame that is sent.
    virtio_net::PacketHeader no_offload_{};
    std::uint32_t header_size_ = 0;
    HostNetOwner* owner_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::atomic<std::uint64_t> dropped_ = 0;
    HostSource source_{};
    Mac mac_{};
    std::uint16_t mtu_ = 0;
    std::atomic<bool> works_ = false;
};

/// The machine's first.
[[nodiscard]] HostNet& host_net();

}  // namespace cairn
