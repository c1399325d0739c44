// SPDX-License-Identifier: MIT
// A virtio network device (VIRTIO 1.2, section 5.1) on a NetWire: one queue to receive, one to
// transmit, and one by which its driver says which frames it asks for; frames may come with their
// check sum to be computed, or to be cut into segments, and be received into several buffers.
//
//     guest's chain ──► frame: header checked, pieces found ──► wire ──► another device's `take`
//                                                                             │ one copy
//     guest of that device ◄── interrupt ◄── its turn ◄── used ◄── its chains ┘
//
// What is to be transmitted is the VM's device lock's, as for all devices. Who sends something to
// this device holds the lock of another VM; so the queue that receives has a lock of its own, and
// the interrupt is left to a turn.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_net_packets.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/net/net_frame.hpp"
#include "kernel/dev/net/receive_filter.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

class ReworkedFrame;
class TcpSegments;

class VirtioNet final : public VirtioFunction, public FrameSink {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio net", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    /// Both outlive it; `memory` is its guest's. Nobody takes a frame to it after its end.
    VirtioNet(NetWire& wire, DmaMemory& memory);
    VirtioNet(const VirtioNet&) = delete;
    VirtioNet& operator=(const VirtioNet&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    [[nodiscard]] std::span<VirtQueue> queues() override { return queues_; }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    void forget(const VirtQueue& queue) override;

    [[nodiscard]] Taken take(const NetFrame& frame) override;

    /// What its wire does not hear of; since it was made. On any hart.
    struct Losses {
        std::uint64_t malformed;  ///< sent: no frame, or with a header that is wrong
        std::uint64_t cut_short;  ///< received: to be cut into segments, the last had no room
    };
    [[nodiscard]] Losses losses() const {
        return {malformed_.load(std::memory_order_relaxed),
                cut_short_.load(std::memory_order_relaxed)};
    }

  private:
    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;
    using Header = virtio_net::PacketHeader;
    /// A buffer of the guest's that is to be shown to it.
    struct Filled {
        ChainToken token;
        std::uint32_t written;
    };
    /// A frame's way into buffers.
    struct Receiving;

    /// What the queue that receives has for its driver.
    struct News {
        bool interrupt = false;
        bool room = false;
    };

    [[nodiscard]] VirtQueue& receive_queue() { return queues_[virtio_net::receive_queue]; }
    [[nodiscard]] VirtQueue& transmit_queue() { return queues_[virtio_net::transmit_queue]; }

    [[nodiscard]] VirtQueue& control_queue() { return queues_[virtio_net::control_queue]; }
    /// Only the holder of the lock that it is under writes to it.
    static void add_one(std::atomic<std::uint64_t>& count) {
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    [[nodiscard]] std::expected<News, RingFault> look_after_received(DmaTurn& turn,
                                                                     std::uint64_t features);
    void stop_receiving();
    [[nodiscard]] Answer transmit(DmaTurn& turn, std::uint64_t features);
    [[nodiscard]] std::optional<NetFrame> read_frame(DmaTurn& turn, std::uint64_t features);
    [[nodiscard]] bool find_pieces(DmaTurn& turn, BufferStream from);

    // virtio_net_control.cpp
    [[nodiscard]] static bool has_control(std::uint64_t features);
    [[nodiscard]] static bool has_filter(std::uint64_t features);
    [[nodiscard]] Answer obey(DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] Answer obey_next(DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] bool carry_out(BufferStream from, DmaTurn& turn, std::uint64_t features);
    [[nodiscard]] bool set_address(BufferStream from, DmaTurn& turn);
    void forget_commands();

    // virtio_net_receive.cpp
    [[nodiscard]] Taken receive(const NetFrame& frame) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Taken cut_and_receive(const NetFrame& frame) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Taken receive_next(TcpSegments& cut, ReworkedFrame& whole,
                                     ReworkedFrame& finished) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Answer put(DmaTurn& turn, const NetFrame& frame) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Answer next_buffer(Receiving& into) CAIRN_REQUIRES(lock_);
    [[nodiscard]] Answer copy(Receiving& into, std::span<const std::byte> from)
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] Done show(Receiving& into) CAIRN_REQUIRES(lock_);

    NetWire& wire_;
    DmaMemory& memory_;
    virtio_net::Config config_{};
    std::array<VirtQueue, 3> queues_;
    DescriptorChain command_;

    // What is transmitted.
    DescriptorChain chain_;
    bool is_held_back_ = false;  ///< `chain_` is to be sent again
    std::atomic<std::uint64_t> malformed_ = 0;
    std::array<std::byte, virtio_net::ethernet_header_size> ethernet_{};
    static_vector<std::span<const std::byte>, VirtQueue::max_size + 4> pieces_;

    // What is received.
    Spinlock lock_;
    bool receives_ CAIRN_GUARDED_BY(lock_) = false;
    bool is_starved_ CAIRN_GUARDED_BY(lock_) = false;        ///< a sender has found no room
    bool lacks_buffers_ CAIRN_GUARDED_BY(lock_) = false;     ///< of the frame at hand
    std::uint32_t had_ CAIRN_GUARDED_BY(lock_) = 0;          ///< entries of what there was then
    bool is_interrupt_due_ CAIRN_GUARDED_BY(lock_) = false;  ///< left to a turn
    std::uint32_t made_ready_ CAIRN_GUARDED_BY(lock_) = 0;   ///< pieces of RAM for this frame
    std::optional<RingFault> fault_ CAIRN_GUARDED_BY(lock_);
    std::uint64_t accepted_ CAIRN_GUARDED_BY(lock_) = 0;  ///< the driver's features
    ReceiveFilter filter_ CAIRN_GUARDED_BY(lock_);
    DescriptorChain buffer_ CAIRN_GUARDED_BY(lock_);
    std::atomic<std::uint64_t> cut_short_ = 0;
};

}  // namespace cairn
