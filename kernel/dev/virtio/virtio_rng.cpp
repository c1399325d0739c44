// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/dev/virtio/virtio_rng.hpp"

#include <algorithm>

#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

/// Random bytes cost a turn as much as copying so many for each.
constexpr std::uint64_t cost_of_byte = 32;

}  // namespace

std::uint32_t VirtioRng::device_id() const {
    return virtio::entropy_device_id;
}

bool VirtioRng::work(DmaTurn& turn, VirtioPort& port) {
    if (!queue_.is_ready()) return false;
    Answer more = true;
    while (more && *more && !turn.is_over())
        more = do_some(turn);
    return end_work(queue_, more, turn, port);
}

/// A request; false where there is none.
VirtQueue::Answer VirtioRng::do_some(DmaTurn& turn) {
    const Answer taken = queue_.take(turn, chain_);
    if (!taken) return taken;
    if (!*taken) return queue_.await_more(turn);
    if (const auto filled = fill(turn); !filled) return std::unexpected(filled.error());
    return true;
}

VirtQueue::Done VirtioRng::fill(DmaTurn& turn) {
    BufferStream to = chain_.writable();
    if (to.left() == 0) return std::unexpected(RingFault::too_short);
    std::uint64_t written = 0;
    while (written < most_bytes && to.left() != 0) {
        const auto piece = turn.piece(to.front(most_bytes - written));
        if (piece.empty()) return std::unexpected(RingFault::no_memory);
        source_.fill(piece);
        turn.charge(piece.size() * cost_of_byte);
        to.advance(piece.size());
        written += piece.size();
    }
    return queue_.give_back(turn, chain_.token(), static_cast<std::uint32_t>(written));
}

}  // namespace cairn
