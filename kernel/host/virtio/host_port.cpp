// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/host/virtio/host_port.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/devices/virtio_console_ports.hpp"

namespace cairn {
namespace {

HostPhys address_of(const void* object) {
    return {reinterpret_cast<std::uintptr_t>(object)};
}

}  // namespace

VirtioTransport::Done HostPort::start(VirtioTransport& transport, std::uint32_t number) {
    number_ = number;
    const auto added = transport.add_queue(virtio_console::receive_queue(number), receive_, 1);
    if (!added) return added;
    return transport.add_queue(virtio_console::transmit_queue(number), transmit_, 1);
}

void HostPort::lend_all(VirtioTransport& transport) {
    transmit_.want_interrupts(false);
    for (auto& buffer : in_)
        if (receive_.has_room(1)) lend(buffer.data());
    notify(transport, virtio_console::receive_queue(number_), receive_);
}

void HostPort::lend(void* buffer) {
    const DriverQueue::Segment segment{address_of(buffer), receive_bytes, true};
    receive_.add({&segment, 1}, buffer);
}

void HostPort::notify(VirtioTransport& transport, std::uint32_t index, const DriverQueue& queue) {
    if (queue.wants_notification()) transport.notify(index);
}

/// The next buffer that the device has filled, into `current_`.
HostPort::Done HostPort::take_next() {
    const auto used = receive_.take_used();
    if (!used) return std::unexpected(used.error());
    if (!*used) return {};
    current_ = static_cast<std::byte*>((*used)->token);
    current_size_ = (*used)->written;
    read_of_it_ = 0;
    return {};
}

/// As many buffers as there are, at most: a device may fill them again and again.
HostPort::Count HostPort::read(VirtioTransport& transport, std::span<std::byte> to) {
    std::size_t count = 0;
    bool has_lent = false;
    for (std::size_t buffers = 0; buffers < receive_buffers && count < to.size();) {
        if (current_ == nullptr)
            if (const auto taken = take_next(); !taken) return std::unexpected(taken.error());
        if (current_ == nullptr) break;
        const std::size_t part =
            std::min<std::size_t>(to.size() - count, current_size_ - read_of_it_);
        std::copy_n(current_ + read_of_it_, part, to.begin() + static_cast<std::ptrdiff_t>(count));
        count += part;
        read_of_it_ += static_cast<std::uint32_t>(part);
        if (read_of_it_ < current_size_) break;
        lend(std::exchange(current_, nullptr));
        has_lent = true;
        ++buffers;
    }
    if (has_lent) notify(transport, virtio_console::receive_queue(number_), receive_);
    return count;
}

HostPort::Done HostPort::drop_input(VirtioTransport& transport) {
    for (std::size_t buffers = 0; buffers <= receive_buffers; ++buffers) {
        if (current_ != nullptr) lend(std::exchange(current_, nullptr));
        if (const auto taken = take_next(); !taken) return taken;
        if (current_ == nullptr) break;
    }
    notify(transport, virtio_console::receive_queue(number_), receive_);
    return {};
}

HostPort::Done HostPort::take_written() {
    for (;;) {
        const auto used = transmit_.take_used();
        if (!used) return std::unexpected(used.error());
        if (!*used) return {};
        static_cast<Out*>((*used)->token)->is_lent = false;
    }
}

/// Into what is free; how many.
std::size_t HostPort::fill(std::span<const std::byte> from) {
    std::size_t count = 0;
    for (Out& out : out_) {
        if (out.is_lent || count == from.size() || !transmit_.has_room(1)) continue;
        const auto part = from.subspan(count).first(std::min(from.size() - count, transmit_bytes));
        std::ranges::copy(part, out.bytes.begin());
        const DriverQueue::Segment segment{address_of(out.bytes.data()),
                                           static_cast<std::uint32_t>(part.size()), false};
        transmit_.add({&segment, 1}, &out);
        out.is_lent = true;
        count += part.size();
    }
    return count;
}

/// A device may take what it is given at once, so there may be room again. Only where there is
/// none it is to interrupt.
HostPort::Count HostPort::write(VirtioTransport& transport, std::span<const std::byte> from) {
    if (from.empty()) return 0;
    std::size_t count = 0;
    bool has_asked = false;
    while (count < from.size()) {
        if (const auto taken = take_written(); !taken) return std::unexpected(taken.error());
        const std::size_t filled = fill(from.subspan(count));
        count += filled;
        if (filled != 0) {
            notify(transport, virtio_console::transmit_queue(number_), transmit_);
        } else if (has_asked) {
            break;
        } else {
            transmit_.want_interrupts(true);
            has_asked = true;
        }
    }
    if (count == from.size()) transmit_.want_interrupts(false);
    return count;
}

}  // namespace cairn
