// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It touches the machine's own devices.
#include "kernel/manager/console/console_multiplexer.hpp"

#include <utility>

#include "kernel/host/drivers/console.hpp"

namespace cairn {
namespace {

constexpr unsigned most_at_once = 64;  // a UART that has more interrupts again

}  // namespace

void ConsoleMultiplexer::read_on() {
    console_listen(true);
}

void ConsoleMultiplexer::start(MonitorInput& monitor) {
    monitor_ = &monitor;
    host_interrupts().handle_by(HostSource::console, *this);
}

void ConsoleMultiplexer::choose(GuestChannel* guest) {
    const SpinGuard guard(lock_);
    if (guest_ != nullptr && guest_ != guest) guest_->go_behind();
    guest_ = guest;
    if (guest != nullptr) guest->when_there_is_room(read_on);
    read_on();  // the one before may not have had room
}

GuestChannel* ConsoleMultiplexer::chosen() {
    const SpinGuard guard(lock_);
    return guest_;
}

bool ConsoleMultiplexer::shows_monitor() {
    const SpinGuard guard(lock_);
    return shows_monitor_;
}

void ConsoleMultiplexer::show_monitor() {
    const SpinGuard guard(lock_);
    if (guest_ != nullptr) guest_->go_behind();
    shows_monitor_ = true;
    monitor_->shown(true);
}

bool ConsoleMultiplexer::show_guest(KeySource* ahead) {
    const SpinGuard guard(lock_);  // what is typed from now on comes after that
    if (guest_ == nullptr) return false;
    // What it has no room for is lost, as at the end of any line: the monitor takes none of it for
    // a command.
    while (ahead != nullptr) {
        const auto key = ahead->take_key();
        if (!key) break;
        if (guest_->has_room()) guest_->type({.value = *key});
    }
    shows_monitor_ = false;
    monitor_->shown(false);
    return true;
}

/// From a guest to the monitor; from there back, and where nothing else was typed in between, the
/// guest gets the character.
void ConsoleMultiplexer::escape() {
    if (!shows_monitor_) {
        if (guest_ != nullptr) guest_->go_behind();
        shows_monitor_ = only_escaped_ = true;
        return monitor_->shown(true);
    }
    if (guest_ == nullptr) return;
    shows_monitor_ = false;
    if (std::exchange(only_escaped_, false) && guest_->has_room())
        guest_->type({.value = console_escape});
    monitor_->shown(false);
}

bool ConsoleMultiplexer::has_room() {
    const SpinGuard guard(lock_);
    if (shows_monitor_) return monitor_->has_room();
    return guest_ == nullptr || guest_->has_room();
}

void ConsoleMultiplexer::route(uart16550::Character character) {
    const SpinGuard guard(lock_);
    if (character.value == console_escape && character.errors == 0) return escape();
    only_escaped_ = false;
    if (shows_monitor_) return monitor_->typed(character.value);
    if (guest_ != nullptr) guest_->type(character);
}

void ConsoleMultiplexer::send() {
    if (!console_send_waiting()) return;
    const SpinGuard guard(lock_);
    if (guest_ != nullptr) guest_->output_goes_on();
    monitor_->has_output_room();
}

void ConsoleMultiplexer::receive() {
    for (unsigned moved = 0; moved < most_at_once; ++moved) {
        if (!has_room()) {
            console_listen(false);  // until read_on
            if (!has_room()) return;
            console_listen(true);
        }
        const auto next = console_read();
        if (!next) return;
        route(*next);
    }
}

void ConsoleMultiplexer::interrupted() {
    send();
    receive();
    host_interrupts().finish(HostSource::console);
}

}  // namespace cairn
