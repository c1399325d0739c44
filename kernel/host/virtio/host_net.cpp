// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_net.hpp"

#include <algorithm>
#include <cstring>

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/static_vector.hpp>
#include <cairn/unique_ptr.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_net::feature;
using virtio_net::Config;
using virtio_net::receive_queue;
using virtio_net::transmit_queue;

/// Of a buffer, one for the header as legacy devices want it (section 5.1.6.6), unless it may be
/// one of several.
constexpr std::uint32_t descriptors_of_buffer = 2;
/// Where a frame begins in its first buffer.
constexpr std::size_t frame_at = sizeof(virtio_net::PacketHeader);
constexpr std::uint64_t wanted_features =
    feature::mac | feature::mtu | feature::mrg_rxbuf | feature::csum | feature::host_tso4 |
    feature::host_tso6 | feature::guest_csum | feature::guest_tso4 | feature::guest_tso6;
/// A buffer, or those of a large frame.
constexpr std::uint32_t least_to_receive = HostNet::most_received_pieces;
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

/// Of `features` those that have what they need (section 5.1.3.1). Large frames are received into
/// several buffers, or not at all.
std::uint64_t complete_ones(std::uint64_t features) {
    if ((features & feature::csum) == 0) features &= ~(feature::host_tso4 | feature::host_tso6);
    if ((features & feature::guest_csum) == 0 || (features & feature::mrg_rxbuf) == 0)
        features &= ~(feature::guest_tso4 | feature::guest_tso6);
    return features;
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
    auto started = transport_.identify_and_negotiate(wanted_features);
    if (!started) return started;
    features_ = complete_ones(transport_.features());
    if (features_ != transport_.features()) started = transport_.negotiate(features_);
    if (!started) return started;
    read_config();
    if (mtu_ < least_mtu) return std::unexpected(VirtioFault::bad_config);
    buffers_ = try_make_unique<Buffers>();
    if (!buffers_) return std::unexpected(VirtioFault::no_memory);
    started = transport_.add_queue(receive_queue, receive_, least_to_receive);
    if (started) started = transport_.add_queue(transmit_queue, transmit_, least_to_transmit);
    if (!started) return started;
    merges_ = (features_ & feature::mrg_rxbuf) != 0;
    const bool is_whole = merges_ || (features_ & virtio::feature::version_1) != 0;
    header_size_ = is_whole ? sizeof(virtio_net::PacketHeader) : virtio_net::legacy_header_size;
    transmit_.want_interrupts(false);
    transport_.go();
    works_ = true;
    fill_receive_queue();
    return {};
}

void HostNet::read_config() {
    mac_ = {};
    if ((features_ & feature::mac) != 0)
        transport_.read_config(offsetof(Config, mac), std::as_writable_bytes(std::span(mac_)));
    if (!is_of_one_station(mac_)) {
        platform_random(std::as_writable_bytes(std::span(mac_)));
        mac_[0] = static_cast<std::uint8_t>((mac_[0] & ~group_address) | locally_administered);
    }
    mtu_ = virtio_net::ethernet_mtu;
    if ((features_ & feature::mtu) != 0)
        transport_.read_config(offsetof(Config, mtu), std::as_writable_bytes(std::span(&mtu_, 1)));
    mtu_ = std::min(mtu_, virtio_net::ethernet_mtu);
}

void HostNet::fill_receive_queue() {
    for (Buffer& buffer : *buffers_)
        if (receive_.has_room(merges_ ? 1 : descriptors_of_buffer)) lend(buffer);
    notify(receive_queue, receive_);
}

void HostNet::lend(Buffer& buffer) {
    const std::span<const std::byte> bytes(buffer.bytes);
    const auto segment = [](std::span<const std::byte> part) -> DriverQueue::Segment {
        return {address_of(part.data()), static_cast<std::uint32_t>(part.size()), true};
    };
    const std::array<DriverQueue::Segment, descriptors_of_buffer> parts{
        segment(bytes.first(header_size_)), segment(bytes.subspan(frame_at))};
    const DriverQueue::Segment whole = segment(bytes);
    receive_.add(merges_ ? std::span(&whole, 1) : std::span(parts), &buffer);
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
bool HostNet::send(const virtio_net::PacketHeader& header,
                   std::span<const std::span<const std::byte>> pieces, void* token) {
    static_vector<DriverQueue::Segment, most_pieces + 1> segments;
    const SpinGuard guard(lock_);
    if (!works()) return false;
    segments.push_back({address_of(&header), header_size_, false});
    for (const auto piece : pieces)
        if (!piece.empty())
            segments.push_back(
                {address_of(piece.data()), static_cast<std::uint32_t>(piece.size()), false});
    if (!transmit_.has_room(segments.size())) return false;
    transmit_.add({segments.data(), segments.size()}, token);
    notify(transmit_queue, transmit_);
    return true;
}

/// The next that is received. Where there is none the device interrupts again, unless it has used
/// something meanwhile, without an interrupt.
std::optional<DriverQueue::Used> HostNet::next_received() {
    DriverQueue::Answer used = receive_.take_used();
    if (used && !*used) {
        receive_.want_interrupts(true);
        used = receive_.take_used();
        if (used && *used) receive_.want_interrupts(false);
    }
    if (used) return *used;
    give_up(to_string(used.error()));
    return std::nullopt;
}

std::optional<void*> HostNet::take_sent() {
    const SpinGuard guard(lock_);
    if (works()) {
        const auto used = transmit_.take_used();
        if (used && *used) return (*used)->token;
        if (used) return std::nullopt;
        give_up(to_string(used.error()));
    }
    return transmit_.take_abandoned();
}

void HostNet::await_sent() {
    const SpinGuard guard(lock_);
    transmit_.want_interrupts(true);
}

/// Whoever takes the frame that shows a fault may have taken what was sent before: another turn
/// does. So it is with what one turn does not reach, since a device may have it drop for ever.
std::optional<HostNet::Received> HostNet::take_received() {
    {
        const SpinGuard guard(lock_);
        if (!works()) return std::nullopt;
        for (std::size_t n = 0; works() && n < most_buffers; ++n) {
            const auto used = next_received();
            if (!used && works()) return std::nullopt;
            std::optional<Received> received(std::in_place);
            if (used && collect(*used, *received)) return received;
        }
    }
    tell();
    return std::nullopt;
}

/// The buffers of a frame. One that is none is lost, and so is one that is larger than its header
/// says.
bool HostNet::collect(const DriverQueue::Used& first, Received& into) {
    Buffer& buffer = *static_cast<Buffer*>(first.token);
    into.size = first.written - std::min(first.written, header_size_);
    into.header = {};
    std::memcpy(&into.header, buffer.bytes.data(), header_size_);
    into.pieces.push_back(std::span<const std::byte>(buffer.bytes).subspan(frame_at, into.size));
    into.buffers.push_back(&buffer);
    const bool has_frame = into.size >= virtio_net::ethernet_header_size;
    if (has_frame && merges_ && !collect_more(into)) return false;
    const bool is_whole = into.header.gso_type == virtio_net::segments::none;
    if (has_frame && into.size <= (is_whole ? virtio_net::ethernet_frame_size : most_uncut))
        return true;
    dropped_.fetch_add(1, std::memory_order_relaxed);
    lend_again(into);
    return false;
}

/// Section 5.1.6.4: the device uses them together. What it does not begin with a header would be
/// taken for one next, so a device that says otherwise is given up.
bool HostNet::collect_more(Received& into) {
    const std::size_t count = into.header.num_buffers;
    while (into.buffers.size() < count) {
        const auto used = receive_.take_used();
        if (!used || !*used || into.buffers.size() == most_received_pieces) {
            give_up(used ? "a frame has more buffers than it has used, or than it fills"
                         : to_string(used.error()));
            return false;
        }
        Buffer& buffer = *static_cast<Buffer*>((*used)->token);
        into.pieces.push_back(std::span<const std::byte>(buffer.bytes).first((*used)->written));
        into.buffers.push_back(&buffer);
        into.size += (*used)->written;
    }
    return true;
}

void HostNet::lend_again(const Received& received) {
    for (Buffer* const buffer : received.buffers)
        lend(*buffer);
    notify(receive_queue, receive_);
}

void HostNet::done_with(const Received& received) {
    const SpinGuard guard(lock_);
    if (works()) lend_again(received);
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
