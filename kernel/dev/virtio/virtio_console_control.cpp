// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// What is not about bytes: set-up, and the messages by which device and driver agree about ports.
#include <algorithm>

#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/dev/virtio/virtio_console.hpp"

namespace cairn {

using namespace virtio_console;

VirtioConsole::VirtioConsole(ConsoleEnd& console, std::span<ConsoleEnd* const> others) {
    config_.max_nr_ports += static_cast<std::uint32_t>(others.size());
    for (std::uint32_t id = 0; id < config_.max_nr_ports; ++id)
        ports_[id].connect(id == 0 ? console : *others[id - 1], id == 0, queues_[receive_queue(id)],
                           queues_[transmit_queue(id)]);
}

std::uint32_t VirtioConsole::device_id() const {
    return virtio::console_device_id;
}

std::uint64_t VirtioConsole::features() const {
    return feature::size | feature::multiport | feature::emerg_write;
}

/// Section 5.3.5: also where the device is not set up.
void VirtioConsole::write_config(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (offset == offsetof(Config, emerg_wr)) (void)ports_[0].end().write(bytes.first(1));
}

void VirtioConsole::forget(const VirtQueue& queue) {
    for (std::uint32_t id = 0; id < config_.max_nr_ports; ++id) {
        if (&queue == &queues_[receive_queue(id)]) ports_[id].forget_receive();
        if (&queue == &queues_[transmit_queue(id)]) ports_[id].forget_transmit();
        if (&queue == &queues_[control_transmit_queue]) ports_[id].forget_messages();
    }
}

/// A driver with ports is told by a message, once it is ready for that.
bool VirtioConsole::resize(Size size) {
    if (size == this->size()) return false;
    config_.cols = size.cols;
    config_.rows = size.rows;
    ports_[0].tell_size();
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

/// Of what there is not, nothing follows.
void VirtioConsole::heard(const Control& message) {
    if (message.event == event::device_ready) {
        if (message.value != 1) return;
        for (ConsolePort& port : ports())
            port.add();
    } else if (message.id < config_.max_nr_ports) {
        ports_[message.id].hear({.event = message.event, .value = message.value});
        if (message.id == 0 && message.event == event::port_ready && size() != Size{})
            ports_[0].tell_size();
    }
}

/// What it is to hear; where it has no buffers for that, it notifies of the next.
VirtioConsole::Answer VirtioConsole::tell(DmaTurn& turn) {
    VirtQueue& queue = queues_[control_receive_queue];
    if (!queue.is_ready()) return false;
    for (std::uint32_t id = 0; id < config_.max_nr_ports; ++id) {
        while (const auto due = ports_[id].due()) {
            if (turn.is_over()) return true;
            Answer taken = queue.take(turn, chain_);
            if (taken && !*taken) {
                taken = queue.await_more(turn);
                if (!taken || !*taken) return taken;
                taken = queue.take(turn, chain_);
            }
            if (!taken || !*taken) return taken;
            const Done sent = send(turn, {.id = id, .event = due->event, .value = due->value});
            if (!sent) return std::unexpected(sent.error());
            ports_[id].told(*due);
        }
    }
    return false;
}

/// A message into `chain_`; a name that is longer than the buffer is cut off.
VirtioConsole::Done VirtioConsole::send(DmaTurn& turn, const Control& message) {
    const Size its_size = size();
    std::span<const std::byte> more;
    if (message.event == event::port_name)
        more = std::as_bytes(std::span(ports_[message.id].end().name()));
    if (message.event == event::resize) more = std::as_bytes(std::span(&its_size, 1));
    more = more.first(std::min(more.size(), longest_name));
    std::array<std::byte, sizeof message + longest_name> bytes{};
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

}  // namespace cairn
