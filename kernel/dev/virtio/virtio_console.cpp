// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_console.hpp"

namespace cairn {

using namespace virtio_console;

bool VirtioConsole::work(DmaTurn& turn, VirtioPort& port) {
    has_ports_ = (port.features() & feature::multiport) != 0;
    const Answer more = do_all(turn);
    const Answer due = more ? is_interrupt_due(turn) : more;
    if (!due) {
        port.fail(due.error());
        return false;
    }
    if (*due) port.interrupt();
    return *more;
}

/// Whether there is more to do. What one port has to carry keeps no other one's for long.
VirtioConsole::Answer VirtioConsole::do_all(DmaTurn& turn) {
    bool has_more = false;
    if (has_ports_) {
        const Answer heard_more = hear(turn);
        if (!heard_more) return heard_more;
        const Answer told_more = tell(turn);
        if (!told_more) return told_more;
        has_more = *heard_more || *told_more;
    }
    const std::uint32_t count = has_ports_ ? config_.max_nr_ports : 1;
    if (++first_ >= count) first_ = 0;
    for (std::uint32_t n = 0; n < count; ++n) {
        const std::uint32_t id = first_ + n < count ? first_ + n : first_ + n - count;
        const Answer more = ports_[id].work(turn, chain_, has_ports_);
        if (!more) return more;
        has_more = has_more || *more;
    }
    return has_more;
}

VirtioConsole::Answer VirtioConsole::is_interrupt_due(DmaTurn& turn) {
    bool due = false;
    for (VirtQueue& queue : queues()) {
        if (!queue.is_ready() || !queue.has_given_back()) continue;
        const Answer answer = queue.is_interrupt_due(turn);
        if (!answer) return answer;
        due = due || *answer;
    }
    return due;
}

bool VirtioConsole::look() {
    bool wants_turn = false;
    for (ConsolePort& port : ports())
        wants_turn = port.look() || wants_turn;
    return wants_turn;
}

}  // namespace cairn
