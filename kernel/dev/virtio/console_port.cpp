// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/console_port.hpp"

#include <array>

namespace cairn {
namespace {

namespace event = virtio_console::event;

/// What is copied at once out of the guest's memory, where the guest can change it no more.
constexpr std::size_t piece = 256;
/// A character costs a turn as much as copying so many bytes: it is a store to a UART. The 4 KiB
/// that Linux writes at most are two turns, which nobody waits for
/// (kernel/manager/device_work.hpp).
constexpr std::uint64_t cost_of_byte = 32;

using Piece = std::array<std::byte, piece>;

/// In this order, which is that of Linux's expectations, too.
constexpr std::array told_events{event::port_add, event::console_port, event::port_name,
                                 event::resize};

}  // namespace

void ConsolePort::connect(ConsoleEnd& end, bool is_console, VirtQueue& receive,
                          VirtQueue& transmit) {
    end_ = &end;
    is_console_ = is_console;
    receive_ = &receive;
    transmit_ = &transmit;
}

ConsolePort::Answer ConsolePort::work(DmaTurn& turn, DescriptorChain& chain, bool has_ports) {
    note_reader(has_ports);
    const Answer received_more = receive(turn, chain);
    if (!received_more) return received_more;
    const Answer transmitted_more = transmit(turn);
    if (!transmitted_more) return transmitted_more;
    return *received_more || *transmitted_more;
}

bool ConsolePort::look() {
    input_waits_ = true;
    return is_writing_ || reads_ || untold_ != 0 || (is_ready_ && told_turns_ != end_->turns());
}

void ConsolePort::hear(const Message& message) {
    const bool yes = message.value != 0;
    if (message.event == event::port_open) is_open_ = yes;
    if (message.event != event::port_ready) return;
    is_ready_ = yes;
    if (!yes) return;
    untold_ |= bit_of(event::port_name);
    if (is_console_) untold_ |= bit_of(event::console_port);
}

std::optional<ConsolePort::Message> ConsolePort::due() {
    for (const std::uint16_t event : told_events)
        if ((untold_ & bit_of(event)) != 0) return Message{.event = event, .value = 1};
    seen_turns_ = end_->turns();
    if (!is_ready_ || told_turns_ == seen_turns_) return std::nullopt;
    if (is_told_open_) {
        if (reads_ && input_waits_) return std::nullopt;
        return Message{.event = event::port_open, .value = 0};
    }
    if (seen_turns_ % 2 != 0) return Message{.event = event::port_open, .value = 1};
    told_turns_ = seen_turns_;
    return std::nullopt;
}

void ConsolePort::told(const Message& message) {
    untold_ &= ~bit_of(message.event);
    if (message.event == event::port_add) is_added_ = true;
    if (message.event != event::port_open) return;
    is_told_open_ = message.value != 0;
    if (is_told_open_) told_turns_ = seen_turns_;
}

void ConsolePort::forget_receive() {
    if (!reads_) return;
    reads_ = false;
    end_->port_reads(false);
}

void ConsolePort::forget_messages() {
    is_added_ = is_ready_ = is_open_ = is_told_open_ = false;
    untold_ = told_turns_ = 0;
}

/// Whether the driver takes input here may have changed.
void ConsolePort::note_reader(bool has_ports) {
    const bool reads = receive_->is_ready() && (is_open_ || !has_ports);
    if (reads == reads_) return;
    reads_ = input_waits_ = reads;
    end_->port_reads(reads);
}

/// What was sent, as far as there are buffers.
ConsolePort::Answer ConsolePort::receive(DmaTurn& turn, DescriptorChain& chain) {
    while (reads_ && input_waits_) {
        if (turn.is_over()) return true;
        const Answer taken = receive_->take(turn, chain);
        if (!taken) return taken;
        if (!*taken) {
            const Answer more = receive_->await_more(turn);
            if (!more || !*more) return more;
            continue;
        }
        if (const Done filled = fill(turn, chain); !filled) return std::unexpected(filled.error());
        if (!input_waits_ && told_turns_ != end_->turns()) return is_ready_;  // that is told now
    }
    return false;
}

/// Whatever is there into `chain`, which is as if it had not been taken where there is nothing.
ConsolePort::Done ConsolePort::fill(DmaTurn& turn, const DescriptorChain& chain) {
    BufferStream to = chain.writable();
    if (to.left() == 0) return std::unexpected(RingFault::too_short);
    std::uint32_t written = 0;
    while (input_waits_ && to.left() != 0 && !turn.is_over()) {
        Piece bytes;
        const GuestRange part = to.front(piece);
        const std::size_t count = end_->read(std::span(bytes).first(part.size));
        input_waits_ = count == part.size;
        if (!turn.copy_in(part.base, std::span(bytes).first(count)))
            return std::unexpected(RingFault::no_memory);
        to.advance(count);
        written += static_cast<std::uint32_t>(count);
        turn.charge(count * cost_of_byte);
    }
    if (written != 0) return receive_->give_back(turn, chain.token(), written);
    receive_->put_back(chain.token().entries);
    return {};
}

/// True where the turn ends before the driver's buffers do. Where the other end has no room it is
/// told when there is some.
ConsolePort::Answer ConsolePort::transmit(DmaTurn& turn) {
    if (!transmit_->is_ready()) return false;
    Answer more = true;
    while (more && *more && !turn.is_over()) {
        if (!is_writing_) {
            const Answer taken = transmit_->take(turn, output_from_);
            if (!taken) return taken;
            left_ = *taken ? output_from_.readable() : BufferStream();
            is_writing_ = *taken;
        }
        const Answer written = write_out(turn);
        if (!written || !*written) return written;
        if (left_.left() != 0) return true;
        if (is_writing_) {
            is_writing_ = false;
            const Done done = transmit_->give_back(turn, output_from_.token(), 0);
            if (!done) return std::unexpected(done.error());
        }
        more = transmit_->await_more(turn);
    }
    return more;
}

/// As much of `left_` as the turn allows; false where the other end is full.
ConsolePort::Answer ConsolePort::write_out(DmaTurn& turn) {
    while (left_.left() != 0 && !turn.is_over()) {
        alignas(std::uint64_t) Piece bytes;
        const GuestRange part = left_.front(piece);
        const auto copied = std::span(bytes).first(part.size);
        if (!turn.copy_out(part.base, copied)) return std::unexpected(RingFault::no_memory);
        const std::size_t count = end_->write(std::span<const std::byte>(copied));
        left_.advance(count);
        turn.charge(count * cost_of_byte);
        if (count < part.size) return false;
    }
    return true;
}

}  // namespace cairn
