// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/manager/console/guest_port.hpp"

namespace cairn {

std::size_t GuestPort::read(std::span<std::byte> to) {
    ChannelPort* const port = port_.load();
    return port == nullptr ? 0 : port->read(to);
}

std::size_t GuestPort::write(std::span<const std::byte> from) {
    ChannelPort* const port = port_.load();
    if (port == nullptr) return from.size();
    wants_room_.store(true);  // first: there may be room again before this is over
    const std::size_t count = port->write(from);
    if (count == from.size()) wants_room_.store(false);
    return count;
}

std::uint32_t GuestPort::turns() {
    ChannelPort* const port = port_.load();
    return port == nullptr ? 0 : port->turns();
}

void GuestPort::port_reads(bool reads) {
    const SpinGuard guard(lock_);
    reads_ = reads;
    if (ChannelPort* const port = port_.load(); port != nullptr) port->set_open(reads);
}

/// Also where it has this one already: the machine's may have been unplugged meanwhile.
void GuestPort::connect(ChannelPort* port) {
    const SpinGuard guard(lock_);
    port_.store(port);
    if (port != nullptr) port->set_open(reads_);
}

bool GuestPort::has_news() {
    ChannelPort* const port = port_.load();
    const std::uint32_t turns = this->turns();
    const bool has_turned = turns != seen_turns_;
    seen_turns_ = turns;
    return has_turned || wants_room_.load() || (port != nullptr && port->has_input());
}

}  // namespace cairn
