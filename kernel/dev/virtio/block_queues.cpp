// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/block_queues.hpp"

namespace cairn {

using Answer = VirtQueue::Answer;

Answer BlockQueues::take(DmaTurn& turn, DescriptorChain& chain) {
    for (std::uint32_t left = count_; left != 0; --left) {
        taken_from_ = taken_from_ + 1u < count_ ? static_cast<std::uint8_t>(taken_from_ + 1) : 0;
        VirtQueue& queue = queues_[taken_from_];
        if (!queue.is_ready()) continue;
        Answer taken = queue.take(turn, chain);
        if (taken && !*taken) {
            taken = queue.await_more(turn);
            if (taken && *taken) taken = queue.take(turn, chain);
        }
        if (!taken || *taken) return taken;
    }
    return false;
}

/// Each driver's queue has its own wish for interrupts, and all have one interrupt.
bool BlockQueues::end_work(Answer more, DmaTurn& turn, VirtioPort& port) {
    bool is_due = false;
    for (VirtQueue& queue : all()) {
        if (!more || !queue.is_ready() || !queue.has_given_back()) continue;
        const Answer due = queue.is_interrupt_due(turn);
        if (!due) more = due;
        is_due = is_due || (due && *due);
    }
    if (is_due) port.interrupt();
    if (!more) port.fail(more.error());
    return more && *more;
}

}  // namespace cairn
