// SPDX-License-Identifier: MIT
// The queues of a block device (VIRTIO 1.2, section 5.2.2): requests of any of them, one of each in
// turn, so that none waits for all that another has. Owned by its device; no locking.
//
//     queue 0  a c e ─┐
//     queue 1  b d   ─┴─► a b c d e
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

class BlockQueues {
  public:
    static constexpr std::uint32_t most = 4;

    /// `count` of them, 1 to `most`.
    explicit BlockQueues(std::uint32_t count) : count_(count) {}

    [[nodiscard]] std::span<VirtQueue> all() { return std::span(queues_).first(count_); }
    [[nodiscard]] std::uint16_t count() const { return static_cast<std::uint16_t>(count_); }
    [[nodiscard]] VirtQueue& operator[](std::size_t number) { return queues_[number]; }
    /// Which of them `queue` is.
    [[nodiscard]] std::uint8_t number_of(const VirtQueue& queue) const {
        return static_cast<std::uint8_t>(&queue - queues_.data());
    }

    /// The next request into `chain`, and `taken_from` says whose it is; false where there is none:
    /// drivers notify of the next one of each.
    [[nodiscard]] VirtQueue::Answer take(DmaTurn& turn, DescriptorChain& chain);
    /// The queue of the last request that was taken.
    [[nodiscard]] std::uint8_t taken_from() const { return taken_from_; }
    /// How `work` ends that has found out `more`, as `end_work` of one queue.
    [[nodiscard]] bool end_work(VirtQueue::Answer more, DmaTurn& turn, VirtioPort& port);

  private:
    std::array<VirtQueue, most> queues_;
    std::uint32_t count_;
    std::uint8_t taken_from_ = 0;
};

}  // namespace cairn
