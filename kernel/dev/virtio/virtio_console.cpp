// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_console.hpp"

#include <algorithm>

#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

using namespace virtio_console;

/// Of output: what is copied out of the guest's memory, where the guest can change it no more.
constexpr std::size_t piece = 256;
/// A character costs a turn as much as copying so many bytes: it is a store to a UART. The 4 KiB
/// that Linux writes at most are two turns, which nobody waits for
/// (kernel/manager/device_work.hpp).
constexpr std::uint64_t cost_of_byte = 32;

constexpr std::uint32_t bit_of(std::uint16_t event) {
    return std::uint32_t{1} << event;
}

/// In this order, which is that of Linux's expectations, too.
constexpr std::array told_events{event::port_add, event::console_port, event::port_name,
                                 event::port_open, event::resize};
constexpr std::uint32_t told_of_a_ready_port =
    bit_of(event::console_port) | bit_of(event::port_name) | bit_of(event::port_open);

}  // namespace

std::uint32_t VirtioConsole::device_id() const {
    return virtio::console_device_id;
}

std::uint64_t VirtioConsole::features() const {
    return feature::size | feature::multiport | feature::emerg_write;
}

/// Section 5.3.5: also where the device is not set up.
void VirtioConsole::write_config(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (offset == offsetof(Config, emerg_wr)) output_.put(bytes.front());
}

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

/// Whether there is more to do.
VirtioConsole::Answer VirtioConsole::do_all(DmaTurn& turn) {
    bool more = false;
    if (has_ports_) {
        const Answer heard_more = hear(turn);
        if (!heard_more) return heard_more;
        const Answer told_more = tell(turn);
        if (!told_more) return told_more;
        more = *heard_more || *told_more;
    }
    note_reader();
    const Answer received_more = receive(turn);
    if (!received_more) return received_more;
    const Answer transmitted_more = transmit(turn);
    if (!transmitted_more) return transmitted_more;
    return more || *received_more || *transmitted_more;
}

VirtioConsole::Answer VirtioConsole::is_interrupt_due(DmaTurn& turn) {
    bool due = false;
    for (VirtQueue& queue : queues_) {
        if (!queue.is_ready() || !queue.has_given_back()) continue;
        const Answer answer = queue.is_interrupt_due(turn);
        if (!answer) return answer;
        due = due || *answer;
    }
    return due;
}

void VirtioConsole::forget(const VirtQueue& queue) {
    if (&queue == &queues_[transmit_queue(0)]) is_writing_ = false;
    if (&queue == &queues_[control_transmit_queue]) {
        is_added_ = is_ready_ = is_open_ = false;
        untold_ = 0;
    }
    if (&queue != &queues_[receive_queue(0)] || !reads_) return;
    reads_ = false;
    input_.port_reads(false);
}

bool VirtioConsole::look() {
    input_waits_ = true;
    return is_writing_ || reads_ || untold_ != 0;
}

/// A driver with ports is told by a message, once it is ready for one.
bool VirtioConsole::resize(virtio_console::Size size) {
    if (size == this->size()) return false;
    config_.cols = size.cols;
    config_.rows = size.rows;
    if (is_ready_) untold_ |= bit_of(event::resize);
    return true;
}

/// What the driver says by control messages.
VirtioConsole::Answer VirtioConsole::hear(DmaTurn& turn) {
    VirtQueue& queue = queues_[control_transmit_queue];
    if (!queue.is_ready()) return false;
    while (!turn.is_over()) {
        const Answer taken = queue.take(turn, chain_);
        if (!taken) return taken;
        if (!*taken) {
            const Answer more = queue.await_more(turn);
            if (!more || !*more) return more;
            continue;
        }
        Control message{};
        BufferStream from = chain_.readable();
        if (from.left() < sizeof message) return std::unexpected(RingFault::too_short);
        if (!take_bytes(from, std::as_writable_bytes(std::span(&message, 1)), turn))
            return std::unexpected(RingFault::no_memory);
        heard(message);
        if (const Done done = queue.give_back(turn, chain_.token(), 0); !done)
            return std::unexpected(done.error());
    }
    return true;
}

/// Of what there is not, and of other ports, nothing follows.
void VirtioConsole::heard(const Control& message) {
    if (message.event == event::device_ready) {
        if (message.value == 1 && !is_added_) untold_ |= bit_of(event::port_add);
    } else if (message.id == 0 && message.event == event::port_ready) {
        is_ready_ = message.value == 1;
        if (is_ready_) untold_ |= told_of_a_ready_port;
        if (is_ready_ && size() != Size{}) untold_ |= bit_of(event::resize);
    } else if (message.id == 0 && message.event == event::port_open) {
        is_open_ = message.value != 0;
    }
}

/// What it is to hear; where it has no buffers for that, it notifies of the next.
VirtioConsole::Answer VirtioConsole::tell(DmaTurn& turn) {
    VirtQueue& queue = queues_[control_receive_queue];
    if (!queue.is_ready()) return false;
    for (const std::uint16_t event : told_events) {
        if ((untold_ & bit_of(event)) == 0) continue;
        if (turn.is_over()) return true;
        Answer taken = queue.take(turn, chain_);
        if (taken && !*taken) {
            taken = queue.await_more(turn);
            if (!taken || !*taken) return taken;
            taken = queue.take(turn, chain_);
        }
        if (!taken) return taken;
        if (const Done sent = send(turn, event); !sent) return std::unexpected(sent.error());
        untold_ &= ~bit_of(event);
        is_added_ = is_added_ || event == event::port_add;
    }
    return false;
}

/// A message into `chain_`; a name that is longer than the buffer is cut off.
VirtioConsole::Done VirtioConsole::send(DmaTurn& turn, std::uint16_t event) {
    const Control message{.id = 0, .event = event, .value = 1};
    const Size its_size = size();
    std::span<const std::byte> more;
    if (event == event::port_name) more = std::as_bytes(std::span(port_name));
    if (event == event::resize) more = std::as_bytes(std::span(&its_size, 1));
    std::array<std::byte, sizeof message + port_name.size()> bytes{};
    std::ranges::copy(std::as_bytes(std::span(&message, 1)), bytes.begin());
    std::ranges::copy(more, bytes.begin() + sizeof message);
    auto left = std::span<const std::byte>(bytes).first(sizeof message + more.size());
    BufferStream to = chain_.writable();
    if (to.left() < sizeof message) return std::unexpected(RingFault::too_short);
    left = left.first(std::min<std::uint64_t>(left.size(), to.left()));
    const auto written = static_cast<std::uint32_t>(left.size());
    while (!left.empty()) {
        const GuestRange part = to.front(left.size());
        if (!turn.copy_in(part.base, left.first(part.size)))
            return std::unexpected(RingFault::no_memory);
        to.advance(part.size);
        left = left.subspan(part.size);
    }
    return queues_[control_receive_queue].give_back(turn, chain_.token(), written);
}

/// Whether the driver takes input here may have changed.
void VirtioConsole::note_reader() {
    const bool reads = queues_[receive_queue(0)].is_ready() && (is_open_ || !has_ports_);
    if (reads == reads_) return;
    reads_ = input_waits_ = reads;
    input_.port_reads(reads);
}

/// What was typed, as far as there are buffers.
VirtioConsole::Answer VirtioConsole::receive(DmaTurn& turn) {
    VirtQueue& queue = queues_[receive_queue(0)];
    while (reads_ && input_waits_) {
        if (turn.is_over()) return true;
        const Answer is_there = queue.has_more_than(turn, 0);
        if (!is_there) return is_there;
        if (!*is_there) {
            const Answer more = queue.await_more(turn);
            if (!more || !*more) return more;
        }
        const auto first = input_.take();
        input_waits_ = first.has_value();
        if (!first) return false;
        if (const Answer taken = queue.take(turn, chain_); !taken || !*taken) return taken;
        if (const Done filled = fill(turn, *first); !filled) return std::unexpected(filled.error());
    }
    return false;
}

/// `first`, and what is behind it, into `chain_`.
VirtioConsole::Done VirtioConsole::fill(DmaTurn& turn, uart16550::Character first) {
    BufferStream to = chain_.writable();
    if (to.left() == 0) return std::unexpected(RingFault::too_short);
    std::uint32_t written = 0;
    std::optional<uart16550::Character> next = first;
    while (next) {
        if (!turn.copy_in(to.front(1).base, std::span(&next->value, 1)))
            return std::unexpected(RingFault::no_memory);
        to.advance(1);
        ++written;
        turn.charge(cost_of_byte);
        if (to.left() == 0 || turn.is_over()) break;
        next = input_.take();
        input_waits_ = next.has_value();
    }
    return queues_[receive_queue(0)].give_back(turn, chain_.token(), written);
}

/// True where the turn ends before the driver's buffers do. Where the sink has no room it is told
/// when there is some.
VirtioConsole::Answer VirtioConsole::transmit(DmaTurn& turn) {
    VirtQueue& queue = queues_[transmit_queue(0)];
    if (!queue.is_ready()) return false;
    Answer more = true;
    while (more && *more && !turn.is_over()) {
        if (!is_writing_) {
            const Answer taken = queue.take(turn, output_from_);
            if (!taken) return taken;
            left_ = *taken ? output_from_.readable() : BufferStream();
            is_writing_ = *taken;
        }
        const Answer written = write_out(turn);
        if (!written || !*written) return written;
        if (left_.left() != 0) return true;
        if (is_writing_) {
            is_writing_ = false;
            const Done done = queue.give_back(turn, output_from_.token(), 0);
            if (!done) return std::unexpected(done.error());
        }
        more = queue.await_more(turn);
    }
    return more;
}

/// As much of `left_` as the turn allows; false where the sink is full.
VirtioConsole::Answer VirtioConsole::write_out(DmaTurn& turn) {
    while (left_.left() != 0 && !turn.is_over()) {
        alignas(std::uint64_t) std::array<std::byte, piece> bytes;
        const GuestRange part = left_.front(piece);
        const auto copied = std::span(bytes).first(part.size);
        if (!turn.copy_out(part.base, copied)) return std::unexpected(RingFault::no_memory);
        const std::size_t count = output_.put(std::span<const std::byte>(copied));
        left_.advance(count);
        turn.charge(count * cost_of_byte);
        if (count < part.size) return false;
    }
    return true;
}

}  // namespace cairn
