// SPDX-License-Identifier: MIT
// A virtio block device (VIRTIO 1.2, section 5.2) over a BlockBackend: reads, writes, flushes and
// ids, several at a time, of each queue in turn, and without a copy; discards and write-zeroes
// where the backend has them, one range each. A flush is the backend's, of what any queue has
// written.
//
//     guest's chain ──► Slot: buffers found, submitted ──► backend ──► completed ──► given back
//
// A chain whose buffers are being found, or for which there is no room, is held back; the others
// go on. Requests are given back by whoever does the next turn, under the VM's device lock; their
// completion is a flag and a wish for that turn.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/virtio/block_backend.hpp"
#include "kernel/dev/virtio/block_queues.hpp"

namespace cairn {

/// Whoever has the device do a turn.
class TurnOwner {
  public:
    /// On any hart, with the backend's lock held.
    virtual void want_turn() = 0;

  protected:
    ~TurnOwner() = default;
};

class VirtioBackedBlock final : public VirtioFunction {
  public:
    static constexpr std::size_t most_in_flight = 16;

    /// Both outlive it. So many queues, 1 to BlockQueues::most. Nothing is in flight at its end:
    /// `lets_go` has said so.
    VirtioBackedBlock(BlockBackend& backend, TurnOwner& owner, std::uint32_t queues = 1);
    VirtioBackedBlock(const VirtioBackedBlock&) = delete;
    VirtioBackedBlock& operator=(const VirtioBackedBlock&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    [[nodiscard]] std::span<VirtQueue> queues() override { return queues_.all(); }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    [[nodiscard]] bool lets_go() override;
    void forget(const VirtQueue& queue) override;
    /// The backend may take what it had no room for. On any hart, with the backend's lock held.
    void room_again();

  private:
    using Status = virtio_block::Status;
    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;
    /// Bit n is of slot n.
    using Slots = std::uint32_t;
    static_assert(most_in_flight <= 8 * sizeof(Slots));

    /// A request in flight.
    struct Slot final : BlockCompletion {
        void completed(Status how) override;

        VirtioBackedBlock* device = nullptr;
        Status status = Status::ok;
        std::uint8_t queue = 0;  ///< its number
        ChainToken token;
        GuestPhys status_at;
        std::uint32_t written = 0;  ///< bytes, where it goes well
        DmaHold hold;               ///< of the guest's memory
    };
    /// The request that is being made ready.
    struct Building {
        bool is_there = false;
        bool is_held_back = false;  ///< ready, and the backend had no room
        BlockBackend::Operation operation = BlockBackend::Operation::flush;
        std::uint64_t sector = 0;
        GuestPhys status_at;
        BufferStream data;
        std::uint32_t written = 0;
        DmaHold hold;               ///< from the first of its buffers on
        std::uint32_t sectors = 0;  ///< that are discarded or zeroed
        bool unmaps = false;
    };

    [[nodiscard]] Answer do_some(DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] Answer give_back_done(DmaTurn& turn, VirtioPort& port);
    /// A request is over.
    struct Over {
        std::uint8_t queue;
        ChainToken token;
        GuestPhys status_at;
        Status status;
        std::uint32_t written;
    };
    [[nodiscard]] Done give_back(DmaTurn& turn, const Over& over);
    [[nodiscard]] Answer begin(DmaTurn& turn);
    [[nodiscard]] Answer begin_transfer(DmaTurn& turn, bool in, BufferStream data,
                                        std::uint64_t sector);
    [[nodiscard]] Answer begin_zeroing(DmaTurn& turn, bool discards, BufferStream data);
    [[nodiscard]] Answer end(DmaTurn& turn, Status status, std::uint32_t written = 0);
    [[nodiscard]] Answer tell_id(DmaTurn& turn, BufferStream to);
    [[nodiscard]] Answer find_buffers(DmaTurn& turn);
    [[nodiscard]] bool add_buffer(std::span<std::byte> piece);
    [[nodiscard]] bool submit();
    [[nodiscard]] bool has_free_slot() const { return used_ != all_slots; }
    [[nodiscard]] bool is_anything_in_flight() const {
        return used_ != done_.load(std::memory_order_acquire);
    }
    void drop(Slots slots);

    BlockBackend& backend_;
    TurnOwner& owner_;
    virtio_block::Config config_{};
    BlockQueues queues_;
    DescriptorChain chain_;
    Building building_;                        ///< of `queues_.taken_from()`
    std::atomic<bool> may_have_room_ = false;  ///< for what is held back
    static_vector<std::span<std::byte>, BlockBackend::most_buffers> buffers_;
    static constexpr Slots all_slots = (Slots{1} << most_in_flight) - 1;
    Slots used_ = 0;               ///< in flight, or done
    std::atomic<Slots> done_ = 0;  ///< of `used_`: over, and not given back
    std::array<Slot, most_in_flight> slots_;
};

}  // namespace cairn
