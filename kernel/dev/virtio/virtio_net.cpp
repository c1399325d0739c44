// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_net.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/dev/net/offload_set.hpp"

namespace cairn {
namespace {

namespace feature = virtio_net::feature;

/// What a frame costs a turn beside its bytes, as if it copied so many.
constexpr std::uint64_t frame_cost = 1024;
/// Of a frame that is sent: Linux has 19 pieces at most.
constexpr std::uint32_t most_unready_pieces = 20;

}  // namespace

VirtioNet::VirtioNet(NetWire& wire, DmaMemory& memory)
    : wire_(wire), memory_(memory), filter_(wire.address()) {
    std::ranges::copy(wire.address().bytes, config_.mac);
    config_.status = virtio_net::link_up;
}

std::uint32_t VirtioNet::device_id() const {
    return virtio::network_device_id;
}

std::uint64_t VirtioNet::features() const {
    return feature::mac | feature::status | feature::mrg_rxbuf | feature::ctrl_vq |
           feature::ctrl_rx | feature::ctrl_mac_addr | wire_.offloads();
}

/// What was received goes first: it may be what the driver waits for.
bool VirtioNet::work(DmaTurn& turn, VirtioPort& port) {
    const auto news = look_after_received(turn, port.features());
    if (!news) {
        port.fail(news.error());
        return false;
    }
    if (news->interrupt) port.interrupt();
    if (news->room) wire_.room_again();
    const Answer obeyed = obey(turn, port);
    if (!obeyed) {
        stop_receiving();
        port.fail(obeyed.error());
        return false;
    }
    if (!transmit_queue().is_ready()) return *obeyed;
    Answer more = true;
    while (more && *more && !turn.is_over())
        more = transmit(turn, port.features());
    if (!more) stop_receiving();
    return end_work(transmit_queue(), more, turn, port) || *obeyed;
}

/// A device that needs a reset does nothing until then.
void VirtioNet::stop_receiving() {
    const SpinGuard guard(lock_);
    receives_ = false;
}

/// From the first turn on that finds its queue ready, the device receives.
std::expected<VirtioNet::News, RingFault> VirtioNet::look_after_received(DmaTurn& turn,
                                                                         std::uint64_t features) {
    const SpinGuard guard(lock_);
    if (fault_) return std::unexpected(*fault_);
    accepted_ = features;
    receives_ = receive_queue().is_ready();
    News news;
    news.interrupt = std::exchange(is_interrupt_due_, false);
    if (!receives_ || !is_starved_) return news;
    // A notification alone is no room.
    const Answer has_more = receive_queue().has_more_than(turn, had_);
    if (!has_more) return std::unexpected(has_more.error());
    news.room = *has_more;
    is_starved_ = !news.room;
    return news;
}

void VirtioNet::forget(const VirtQueue& queue) {
    if (&queue == &control_queue()) return forget_commands();
    if (&queue == &transmit_queue()) {
        if (std::exchange(is_held_back_, false)) wire_.nothing_waits();
        return;
    }
    bool is_awaited = false;
    {
        const SpinGuard guard(lock_);
        is_awaited = is_starved_;
        receives_ = is_starved_ = is_interrupt_due_ = false;
        fault_.reset();
    }
    if (is_awaited) wire_.room_again();  // what waits is lost
}

/// A frame; false where there is none, or it has to wait. One that is none is lost.
VirtioNet::Answer VirtioNet::transmit(DmaTurn& turn, std::uint64_t features) {
    if (!is_held_back_) {
        const Answer taken = transmit_queue().take(turn, chain_);
        if (!taken) return taken;
        if (!*taken) return transmit_queue().await_more(turn);
    }
    turn.charge(frame_cost);
    const auto frame = read_frame(turn, features);
    if (!frame) add_one(malformed_);
    std::uint32_t copies = 0;
    is_held_back_ = frame && !wire_.send(*frame, copies);
    if (is_held_back_) return false;
    if (frame) turn.charge((frame_cost + frame->size) * copies);
    if (const Done done = transmit_queue().give_back(turn, chain_.token(), 0); !done)
        return std::unexpected(done.error());
    return true;
}

/// What `chain_` holds; nothing where it is no frame.
std::optional<NetFrame> VirtioNet::read_frame(DmaTurn& turn, std::uint64_t features) {
    BufferStream from = chain_.readable();
    NetFrame frame;
    if (!take_bytes(from, std::as_writable_bytes(std::span(&frame.header, 1)), turn))
        return std::nullopt;
    frame.header.flags &= virtio_net::needs_csum;
    frame.size = from.left();
    if (!take_bytes(from, ethernet_, turn) ||
        !OffloadSet::to_device(features).allows(frame.header, frame.size))
        return std::nullopt;
    if (!find_pieces(turn, from)) return std::nullopt;
    frame.pieces = {pieces_.data(), pieces_.size()};
    return frame;
}

bool VirtioNet::find_pieces(DmaTurn& turn, BufferStream from) {
    pieces_.clear();
    pieces_.push_back(ethernet_);
    const std::uint32_t before = turn.made_ready();
    while (from.left() != 0) {
        if (turn.made_ready() - before > most_unready_pieces) return false;
        const auto piece = turn.piece(from.front(from.left()));
        if (piece.empty() || pieces_.try_push_back(piece) == nullptr) return false;
        from.advance(piece.size());
    }
    return true;
}

}  // namespace cairn
