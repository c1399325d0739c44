// SPDX-License-Identifier: MIT
// Driver of the machine's own virtio network device (VIRTIO 1.2, section 5.1), modern or legacy.
// The device reads what is sent where its owner has it, and writes what it receives into buffers
// of the driver's, which its owner reads in place:
//
//     send ──────► header, pieces ──► device ──► take_sent
//     done_with ──► buffers ────────► device ──► take_received
//                                        └─ interrupted ──► HostNetOwner::wants_turn
//
// Frames may leave their check sum and their cutting into segments to the other side, where the
// device has that; received ones then lie in several buffers. The link counts as up. Any hart; a
// lock of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_net_packets.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

class HostNetOwner {
  public:
    /// Frames have come, or frames that were sent are over and somebody waits for that: a turn
    /// takes what has come, until there is nothing, and only then is it told again. On any hart,
    /// also from within its turn; no lock of the driver's is held.
    virtual void wants_turn() = 0;

  protected:
    ~HostNetOwner() = default;
};

/// Without a virtual function, so that all of it is zeroes at first, and its rings lie in .bss.
class HostNet {
  private:
    /// A header lies at its begin, or what goes on from another buffer.
    struct Buffer;

  public:
    using Mac = std::array<std::uint8_t, virtio_net::mac_size>;
    /// Of a frame that is sent, without those that are empty.
    static constexpr std::size_t most_pieces = 31;
    /// Those of frames that can be received before one is given back.
    static constexpr std::size_t most_buffers = 128;
    static constexpr std::size_t buffer_bytes = 4096;
    /// A frame that is to be cut: IP of 65535 bytes.
    static constexpr std::size_t most_uncut = virtio_net::ethernet_header_size + 65535;
    static constexpr std::size_t most_received_pieces =
        (sizeof(virtio_net::PacketHeader) + most_uncut + buffer_bytes - 1) / buffer_bytes;

    struct Received {
        virtio_net::PacketHeader header;  ///< what the device says: anything
        /// The first holds the Ethernet header.
        static_vector<std::span<const std::byte>, most_received_pieces> pieces;
        /// Up to ethernet_frame_size, or to `most_uncut` of a frame that is to be cut.
        std::size_t size;
        static_vector<Buffer*, most_received_pieces> buffers;  ///< the driver's
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
    /// What was accepted of what it offers (virtio_net::feature), each with all that it needs.
    [[nodiscard]] std::uint64_t features() const { return features_; }
    /// Bytes behind the Ethernet header, at most ethernet_mtu; of a frame that is to be cut, in
    /// what it is cut into.
    [[nodiscard]] std::uint16_t mtu() const { return mtu_; }
    /// Received frames that were none, or too long to be passed on.
    [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

    /// `owner` outlives it, and is told at once, in case something has come already.
    void serve(HostNetOwner& owner);

    /// Sends a frame of `mtu` and the header at most, or one that is to be cut. The device reads
    /// `header` and the pieces until `take_sent` has given `token`, which is not null. False where
    /// there is no room now, or where it does not work.
    [[nodiscard]] bool send(const virtio_net::PacketHeader& header,
                            std::span<const std::span<const std::byte>> pieces, void* token);
    /// The next token whose frame is over: of all of them, once it does not work any more.
    [[nodiscard]] std::optional<void*> take_sent();
    /// Has the owner told once the next is over, which nobody is otherwise. What is over already,
    /// `take_sent` gives.
    void await_sent();

    /// The next frame, whose bytes stay until `done_with`.
    [[nodiscard]] std::optional<Received> take_received();
    void done_with(const Received& received);

    void interrupted();

  private:
    /// Not set to zero: nobody reads what the device has not written.
    struct Buffer {
        Buffer() {}
        alignas(64) std::array<std::byte, buffer_bytes> bytes;
    };
    using Buffers = std::array<Buffer, most_buffers>;

    void read_config() CAIRN_REQUIRES(lock_);
    void fill_receive_queue() CAIRN_REQUIRES(lock_);
    void lend(Buffer& buffer) CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::optional<DriverQueue::Used> next_received() CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool collect(const DriverQueue::Used& first, Received& into)
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool collect_more(Received& into) CAIRN_REQUIRES(lock_);
    void lend_again(const Received& received) CAIRN_REQUIRES(lock_);
    void notify(std::uint32_t index, const DriverQueue& queue) CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);
    void tell() CAIRN_EXCLUDES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue receive_ CAIRN_GUARDED_BY(lock_);
    DriverQueue transmit_ CAIRN_GUARDED_BY(lock_);
    std::unique_ptr<Buffers> buffers_ CAIRN_GUARDED_BY(lock_);
    std::uint64_t features_ = 0;
    std::uint32_t header_size_ = 0;
    bool merges_ = false;  ///< a buffer is one descriptor, and a frame may have several
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
