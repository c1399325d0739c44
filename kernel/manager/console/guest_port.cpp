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
    return port == nullptr ? from.size() : port->write(from);
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

}  // namespace cairn
