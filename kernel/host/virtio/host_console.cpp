// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/host/virtio/host_console.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <cairn/print.hpp>
#include <cairn/unique_ptr.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace event = virtio_console::event;
namespace feature = virtio_console::feature;
using virtio_console::Config;
using virtio_console::Control;
using virtio_console::control_receive_queue;
using virtio_console::control_transmit_queue;

/// As many as have a port for each VM of an archive, and one for the monitor.
constexpr std::size_t most_consoles = 3;
constinit std::array<std::unique_ptr<HostConsole>, most_consoles> consoles;
constinit std::size_t console_count = 0;

HostPhys address_of(const void* object) {
    return {reinterpret_cast<std::uintptr_t>(object)};
}

}  // namespace

HostConsole* host_console(std::size_t number) {
    return number < console_count ? consoles[number].get() : nullptr;
}
std::size_t host_console_count() {
    return console_count;
}
HostConsole* next_host_console() {
    if (console_count == most_consoles) return nullptr;
    consoles[console_count] = try_make_unique<HostConsole>();
    return consoles[console_count].get();
}
void add_host_console() {
    ++console_count;
}

/// EMERG_WRITE and SIZE are not asked for.
std::expected<std::uint32_t, VirtioFault> HostConsole::negotiate(VirtioRegisters& registers,
                                                                 HostSource source) {
    const SpinGuard guard(lock_);
    transport_ = VirtioTransport(registers);
    source_ = source;
    const auto done = transport_.identify_and_negotiate(feature::multiport);
    if (!done) return std::unexpected(done.error());
    if ((transport_.features() & feature::multiport) == 0)
        return std::unexpected(VirtioFault::no_ports);
    std::uint32_t ports = 0;
    transport_.read_config(offsetof(Config, max_nr_ports),
                           std::as_writable_bytes(std::span(&ports, 1)));
    if (ports == 0) return std::unexpected(VirtioFault::bad_config);
    return std::min(ports, most_ports);
}

std::expected<void, VirtioFault> HostConsole::start(std::span<HostPort> ports) {
    const SpinGuard guard(lock_);
    auto added = transport_.add_queue(control_receive_queue, hear_, 1);
    if (added) added = transport_.add_queue(control_transmit_queue, say_, 1);
    for (std::uint32_t number = 0; added && number < ports.size(); ++number)
        added = ports[number].start(transport_, number);
    if (!added) {
        (void)transport_.stop();
        return added;
    }
    ports_ = ports;
    transport_.go();
    works_ = true;
    say_.want_interrupts(false);
    for (HostPort& port : ports_)
        port.lend_all(transport_);
    for (Heard& message : heard_)
        if (hear_.has_room(1)) lend(message);
    transport_.notify(control_receive_queue);
    (void)say({.id = 0, .event = event::device_ready, .value = 1});
    settle();
    return {};
}

void HostConsole::leave() {
    const SpinGuard guard(lock_);
    works_ = false;
    (void)transport_.stop();
    for (HostPort& port : ports_)
        port.set_open(false);
}

/// A device that breaks the rules is reset. Nobody has its ports open then.
void HostConsole::give_up(std::string_view why) {
    works_ = false;
    const bool has_stopped = transport_.stop();
    for (HostPort& port : ports_)
        port.set_open(false);
    println("cairn: the machine's console device is left alone from here on: {}{}", why,
            unless_stopped(has_stopped));
}

void HostConsole::serve(HostConsoleOwner& owner) {
    {
        const SpinGuard guard(lock_);
        owner_ = &owner;
    }
    owner.wants_turn();
}

void HostConsole::lend(Heard& message) {
    const DriverQueue::Segment segment{address_of(message.bytes.data()), message_bytes, true};
    hear_.add({&segment, 1}, &message);
}

/// What the device says, and what it is owed. It may answer at once, and QEMU forgets an answer for
/// which there is no buffer: so it is owed one thing at a time, and as many things as there are
/// ports at most.
void HostConsole::settle() {
    take_messages();
    for (std::size_t said = 0; works() && said < 2 * ports_.size() && say_owed(); ++said)
        take_messages();
}

/// As many as there are buffers, at most: the device interrupts for more.
void HostConsole::take_messages() {
    bool has_lent = false;
    for (std::size_t n = 0; works() && n < messages_in; ++n) {
        const auto used = hear_.take_used();
        if (!used) return give_up(to_string(used.error()));
        if (!*used) break;
        Heard& message = *static_cast<Heard*>((*used)->token);
        hear(std::span<const std::byte>(message.bytes).first((*used)->written));
        if (!works()) return;
        lend(message);
        has_lent = true;
    }
    if (has_lent && hear_.wants_notification()) transport_.notify(control_receive_queue);
}

/// A port that Cairn has no room for is refused; what else is wrong is passed over.
void HostConsole::hear(std::span<const std::byte> message) {
    Control control{};
    if (message.size() < sizeof(control)) return;
    std::memcpy(&control, message.data(), sizeof(control));
    if (control.id < ports_.size())
        return hear_of(ports_[control.id], control, message.subspan(sizeof(control)));
    if (control.event == event::port_add)
        (void)say({.id = control.id, .event = event::port_ready, .value = 0});
}

void HostConsole::hear_of(HostPort& port, const Control& control, std::span<const std::byte> rest) {
    if (control.event == event::port_add) {
        port.owes_ready = !std::exchange(port.is_there, true);
        return;
    }
    if (!port.is_there) return;
    switch (control.event) {
        case event::port_remove:
            close(port);
            port.name.clear();
            port.is_there = port.owes_ready = port.owes_open = false;
            port.use = PortUse::none;
            return;
        case event::console_port: port.owes_open = port.is_open = true; return;
        case event::port_open:
            if (control.value == 0) return close(port);
            return port.set_open(true);
        case event::port_name: return set_name(port, rest);
        default: return;  // a size, or what a later device has
    }
}

/// QEMU ends it with a NUL, against the specification.
void HostConsole::set_name(HostPort& port, std::span<const std::byte> name) {
    if (!name.empty() && name.back() == std::byte{0}) name = name.first(name.size() - 1);
    port.name.clear();
    if (name.size() > HostPort::longest_name) return;
    for (const std::byte letter : name)
        port.name.push_back(static_cast<char>(letter));
}

/// Whoever had it open is not answered any more, and what they have sent is not the next one's,
/// unless it is a stream's.
void HostConsole::close(HostPort& port) {
    port.set_open(false);
    if (port.use == PortUse::stream) return;
    if (const auto done = port.drop_input(transport_); !done) give_up(to_string(done.error()));
}

void HostConsole::take_said() {
    while (works()) {
        const auto used = say_.take_used();
        if (!used) return give_up(to_string(used.error()));
        if (!*used) return;
        static_cast<Message*>((*used)->token)->is_lent = false;
    }
}

/// False where there is no room: then it interrupts once there is.
bool HostConsole::say(const Control& control) {
    take_said();
    auto free = std::ranges::find(said_, false, &Message::is_lent);
    if (works() && (free == said_.end() || !say_.has_room(1))) {
        say_.want_interrupts(true);
        take_said();  // what was used before that interrupts nobody
        free = std::ranges::find(said_, false, &Message::is_lent);
    }
    if (!works() || free == said_.end() || !say_.has_room(1)) return false;
    free->control = control;
    free->is_lent = true;
    const DriverQueue::Segment segment{address_of(&free->control), sizeof(Control), false};
    say_.add({&segment, 1}, &*free);
    if (say_.wants_notification()) transport_.notify(control_transmit_queue);
    return true;
}

/// One message that some port is owed; false where none is, or there is no room.
bool HostConsole::say_owed() {
    for (std::uint32_t id = 0; id < ports_.size(); ++id) {
        HostPort& port = ports_[id];
        bool& owed = port.owes_ready ? port.owes_ready : port.owes_open;
        if (!owed) continue;
        const std::uint16_t what = port.owes_ready ? event::port_ready : event::port_open;
        const bool yes = port.owes_ready || port.is_open;
        if (!say({.id = id, .event = what, .value = yes ? std::uint16_t{1} : std::uint16_t{0}}))
            return false;
        owed = false;
        return true;
    }
    return false;
}

HostPort::Name HostConsole::name(std::size_t port) {
    const SpinGuard guard(lock_);
    return ports_[port].name;
}

void HostConsole::use(std::size_t port, PortUse use) {
    const SpinGuard guard(lock_);
    if (!works() || !ports_[port].is_there || std::exchange(ports_[port].use, use) == use) return;
    ports_[port].owes_open = true;
    ports_[port].is_open = use != PortUse::none;
    settle();
}

bool HostConsole::has_input(std::size_t port) {
    const SpinGuard guard(lock_);
    return works() && ports_[port].has_input();
}

std::size_t HostConsole::read(std::size_t port, std::span<std::byte> to) {
    const SpinGuard guard(lock_);
    if (!works()) return 0;
    const auto count = ports_[port].read(transport_, to);
    if (count) return *count;
    give_up(to_string(count.error()));
    return 0;
}

std::size_t HostConsole::write(std::size_t port, std::span<const std::byte> from) {
    const SpinGuard guard(lock_);
    if (turns(port) % 2 == 0) return from.size();
    const auto count = ports_[port].write(transport_, from);
    if (count) return *count;
    give_up(to_string(count.error()));
    return from.size();
}

void HostConsole::interrupted() {
    HostConsoleOwner* owner = nullptr;
    {
        const SpinGuard guard(lock_);
        if (works() && (transport_.take_events() & virtio_mmio::interrupt::used_buffer) != 0) {
            say_.want_interrupts(false);
            settle();
            owner = owner_;
        }
    }
    if (owner != nullptr) owner->wants_turn();
    host_interrupts().finish(source_);
}

}  // namespace cairn
