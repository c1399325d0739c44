// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_net.hpp"

#include <algorithm>

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_net::feature;
using virtio_net::Config;
using virtio_net::receive_queue;
using virtio_net::transmit_queue;

/// Of a received frame: header and frame.
constexpr std::uint32_t descriptors_of_buffer = 2;
/// With the header there is room for one frame of most pieces, at least.
constexpr std::uint32_t least_to_transmit = HostNet::most_pieces + 1;
/// Section 5.1.4.1: no device says less.
constexpr std::uint16_t least_mtu = 68;
/// Of the first byte of a MAC address (IEEE 802, section 8.2).
constexpr std::uint8_t group_address = 1;
constexpr std::uint8_t locally_administered = 2;

constinit HostNet net;

HostPhys address_of(const void* object) {
    return {reinterpret_cast<std::uintptr_t>(object)};
}

bool is_of_one_station(const HostNet::Mac& mac) {
    return (mac[0] & group_address) == 0 && mac != HostNet::Mac{};
}

}  // namespace

HostNet& host_net() {
    return net;
}

/// STATUS is not asked for: without it the link is up (section 5.1.4.2).
std::expected<void, VirtioFault> HostNet::start(VirtioRegisters& registers, HostSource source) {
    const SpinGuard guard(lock_);
    transport_ = VirtioTransport(registers);
    source_ = source;
    auto started = transport_.identify_and_negotiate(feature::mac | feature::mtu);
    if (!started) return started;
    read_config();
    if (mtu_ < least_mtu) return std::unexpected(VirtioFault::bad_config);
    started = transport_.add_queue(receive_queue, receive_, descriptors_of_buffer);
    if (started) started = transport_.add_queue(transmit_queue, transmit_, least_to_transmit);
    if (!started) return started;
    const bool is_modern = (transport_.features() & virtio::feature::version_1) != 0;
    header_size_ = is_modern ? sizeof(virtio_net::PacketHeader) : virtio_net::legacy_header_size;
    transport_.go();
    works_ = true;
    fill_receive_queue();
    return {};
}

void HostNet::read_config() {
    mac_ = {};
    if ((transport_.features() & feature::mac) != 0)
        transport_.read_config(offsetof(Config, mac), std::as_writable_bytes(std::span(mac_)));
    if (!is_of_one_station(mac_)) {
        platform_random(std::as_writable_bytes(std::span(mac_)));
        mac_[0] = static_cast<std::uint8_t>((mac_[0] & ~group_address) | locally_administered);
    }
    mtu_ = virtio_net::ethernet_mtu;
    if ((transport_.features() & feature::mtu) != 0)
        transport_.read_config(offsetof(Config, mtu), std::as_writable_bytes(std::span(&mtu_, 1)));
    mtu_ = std::min(mtu_, virtio_net::ethernet_mtu);
}

void HostNet::fill_receive_queue() {
    for (Buffer& buffer : buffers_)
        if (receive_.has_room(descriptors_of_buffer)) lend(buffer);
    notify(receive_queue, receive_);
}

void HostNet::lend(Buffer& buffer) {
    const std::array<DriverQueue::Segment, descriptors_of_buffer> segments{
        {{address_of(&buffer.header), header_size_, true},
         {address_of(buffer.frame.data()), sizeof(buffer.frame), true}}};
    receive_.add(segments, &buffer);
}

void HostNet::notify(std::uint32_t index, const DriverQueue& queue) {
    if (queue.wants_notification()) transport_.notify(index);
}

void HostNet::leave() {
    const SpinGuard guard(lock_);
    works_ = false;
    (void)transport_.stop();
}

/// A device that breaks the rules is reset. What was lent to it stays where it is.
void HostNet::give_up(std::string_view why) {
    works_ = false;
    const bool has_stopped = transport_.stop();
    println("cairn: the machine's network device is left alone from here on: {}{}", why,
            unless_stopped(has_stopped));
}

void HostNet::serve(HostNetOwner& owner) {
    {
        const SpinGuard guard(lock_);
        owner_ = &owner;
    }
    tell();
}

void HostNet::tell() {
    HostNetOwner* owner = nullptr;
    {
        const SpinGuard guard(lock_);
        owner = owner_;
    }
    if (owner != nullptr) owner->wants_turn();
}

/// Empty pieces are left out: a device may take them for a mistake of its driver's.
bool HostNet::send(std::span<const std::span<const std::byte>> pieces, void* token) {
    static_vector<DriverQueue::Segment, most_pieces + 1> segments;
    const SpinGuard guard(lock_);
    if (!works()) return false;
    segments.push_back({address_of(&no_offload_), header_size_, false});
    for (const auto piece : pieces)
        if (!piece.empty())
            segments.push_back(
                {address_of(piece.data()), static_cast<std::uint32_t>(piece.size()), false});
    if (!transmit_.has_room(segments.size())) return false;
    transmit_.add({segments.data(), segments.size()}, token);
    notify(transmit_queue, transmit_);
    return true;
}

/// The next of `queue`. Where there is none the device interrupts again, unless it has used
/// something meanwhile, without an interrupt.
std::optional<DriverQueue::Used> HostNet::next_used(DriverQueue& queue) {
    DriverQueue::Answer used = queue.take_used();
    if (used && !*used) {
        queue.want_interrupts(true);
        used = queue.take_used();
        if (used && *used) queue.want_interrupts(false);
    }
    if (used) return *used;
    give_up(to_string(used.error()));
    return std::nullopt;
}

std::optional<void*> HostNet::take_sent() {
    const SpinGuard guard(lock_);
    if (works())
        if (const auto used = next_used(transmit_)) return used->token;
    if (works()) return std::nullopt;
    return transmit_.take_abandoned();
}

/// Whoever takes the frame that shows a fault may have taken what was sent before: another turn
/// does. So it is with what one turn does not reach, since a device may have it drop for ever.
std::optional<HostNet::Received> HostNet::take_received() {
    {
        const SpinGuard guard(lock_);
        for (std::size_t n = 0; n < most_buffers; ++n) {
            if (!works()) return std::nullopt;
            const auto used = next_used(receive_);
            if (!used && works()) return std::nullopt;
            if (!used) break;
            if (const auto received = look_into(*used)) return received;
        }
    }
    tell();
    return std::nullopt;
}

/// A header that says anything is none that was asked for, and is not looked at.
std::optional<HostNet::Received> HostNet::look_into(const DriverQueue::Used& used) {
    Buffer& buffer = *static_cast<Buffer*>(used.token);
    const std::uint32_t size = used.written - std::min(used.written, header_size_);
    if (size >= virtio_net::ethernet_header_size && size <= virtio_net::ethernet_frame_size)
        return Received{std::span<const std::byte>(buffer.frame).first(size), &buffer};
    dropped_.fetch_add(1, std::memory_order_relaxed);
    lend(buffer);
    notify(receive_queue, receive_);
    return std::nullopt;
}

void HostNet::done_with(const Received& received) {
    const SpinGuard guard(lock_);
    if (!works()) return;
    lend(*static_cast<Buffer*>(received.buffer));
    notify(receive_queue, receive_);
}

/// No more interrupts until a turn has found nothing.
void HostNet::interrupted() {
    bool has_used = false;
    {
        const SpinGuard guard(lock_);
        if (works()) {
            has_used = (transport_.take_events() & virtio_mmio::interrupt::used_buffer) != 0;
            if (has_used) {
                receive_.want_interrupts(false);
                transmit_.want_interrupts(false);
            }
        }
    }
    if (has_used) tell();
    host_interrupts().finish(source_);
}

}  // namespace cairn
