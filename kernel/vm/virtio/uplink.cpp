// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/uplink.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/dev/net/offloads.hpp"
#include "kernel/vm/vcpu/vcpu.hpp"

namespace cairn {

Uplink::Uplink(HostNet& device, VirtualSwitch& net, DeviceTasks& tasks)
    : SwitchPort({.address = {device.mac()}, .is_outside = true}, *this),
      device_(device),
      switch_(net),
      tasks_(tasks) {
    for (Chunk& chunk : chunks_)
        free_.push_back(&chunk);
}

bool Uplink::connect() {
    if (!switch_.connect(*this)) return false;
    device_.serve(*this);
    return true;
}

/// The hart that took the interrupt does it next, or whichever comes first.
void Uplink::wants_turn() {
    tasks_.want(*this);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

/// What the machine's device is told; nothing where it may not be sent. Of a frame that is to be
/// cut it is told where its headers end (section 5.1.6.2).
std::optional<virtio_net::PacketHeader> Uplink::header_of(const NetFrame& frame) const {
    virtio_net::PacketHeader header = frame.header;
    header.hdr_len = header.num_buffers = 0;
    if (!OffloadSet::to_device(device_.features()).has(header)) return std::nullopt;
    if (header.gso_type == virtio_net::segments::none) {
        if (frame.size > virtio_net::ethernet_header_size + device_.mtu()) return std::nullopt;
        return header;
    }
    const auto cut = TcpSegments::of(frame);
    if (!cut || header.gso_size > device_.mtu()) return std::nullopt;
    header.hdr_len = static_cast<std::uint16_t>(cut->header_bytes());
    return header;
}

/// There are as many chunks as it takes, for no frame is empty.
Uplink::Chunk& Uplink::copy(const NetFrame& frame, Pieces& pieces) {
    Chunk* last = nullptr;
    std::uint64_t from = 0;
    do {
        Chunk& chunk = *free_.back();
        free_.pop_back();
        const std::uint64_t size = std::min<std::uint64_t>(frame.size - from, chunk_bytes);
        auto at = chunk.bytes.begin();
        for_each_piece(frame, from, size, [&](std::span<const std::byte> piece) {
            at = std::ranges::copy(piece, at).out;
        });
        pieces.push_back(std::span<const std::byte>(chunk.bytes).first(size));
        chunk.next = std::exchange(last, &chunk);
        from += chunk_bytes;
    } while (from < frame.size);
    return *last;
}

void Uplink::give_back(Chunk* chunk) {
    for (; chunk != nullptr; chunk = chunk->next)
        free_.push_back(chunk);
}

FrameSink::Taken Uplink::take(const NetFrame& frame) {
    const auto header = header_of(frame);
    if (!header || !device_.works()) return Taken::never;
    const SpinGuard guard(lock_);
    if (!has_chunks(frame.size)) {
        is_starved_ = true;
        return Taken::no_room;
    }
    Pieces pieces;
    Chunk& chunk = copy(frame, pieces);
    chunk.header = *header;
    bool is_sent = device_.send(chunk.header, pieces, &chunk);
    if (!is_sent) {
        device_.await_sent();
        is_sent = take_back_sent() && device_.send(chunk.header, pieces, &chunk);
    }
    if (is_sent) return Taken::yes;
    give_back(&chunk);
    is_starved_ = free_.size() < free_.capacity();
    return is_starved_ ? Taken::no_room : Taken::never;
}

/// What was sent is looked for where it is needed, and its end is an interrupt only where somebody
/// waits for it.
bool Uplink::has_chunks(std::uint64_t bytes) {
    if (free_.size() * chunk_bytes >= bytes) return true;
    if (take_back_sent() && free_.size() * chunk_bytes >= bytes) return true;
    device_.await_sent();
    (void)take_back_sent();
    return free_.size() * chunk_bytes >= bytes;
}

/// Whether it was any.
bool Uplink::take_back_sent() {
    bool is_any = false;
    while (const auto sent = device_.take_sent()) {
        give_back(static_cast<Chunk*>(*sent));
        is_any = true;
    }
    return is_any;
}

/// Whether there is room that somebody has waited for. If not yet, it is waited for on.
bool Uplink::end_wait() {
    const SpinGuard guard(lock_);
    if (!is_starved_) return false;
    if (!take_back_sent()) {
        device_.await_sent();
        if (!take_back_sent()) return false;
    }
    is_starved_ = false;
    return true;
}

bool Uplink::work() {
    if (end_wait()) switch_.room_again(*this);
    const OffloadSet allowed = OffloadSet::to_driver(device_.features());
    for (std::uint64_t bytes = 0; bytes < bytes_of_turn;) {
        const auto received = device_.take_received();
        if (!received) return false;
        NetFrame frame{
            .header = received->header, .pieces = received->pieces, .size = received->size};
        frame.header.flags &= virtio_net::needs_csum;
        std::uint32_t copies = 0;
        if (allowed.allows(frame.header, frame.size)) {
            copies = switch_.send(*this, frame, csr_read<Csr::time>()).copies;
        } else {
            malformed_.store(malformed_.load(std::memory_order_relaxed) + 1,
                             std::memory_order_relaxed);
        }
        bytes += (frame_cost + frame.size) * (1 + copies);
        device_.done_with(*received);
    }
    return true;
}

}  // namespace cairn
