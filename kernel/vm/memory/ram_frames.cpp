// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/memory/ram_frames.hpp"

#include <algorithm>

#include <cairn/bits.hpp>

namespace cairn {

/// One piece if there is one, else the longest that are left, one after the other.
bool RamFrames::take_all() {
    for (std::size_t first = 0; first < chunks_.size();) {
        const std::uint64_t left = (chunks_.size() - first) * chunk_size;
        const std::uint64_t longest = align_down(pool_.largest_free(), chunk_size);
        std::size_t taken = take_piece(first, std::min(left, longest));
        // The longest run may begin off a chunk's boundary, and hold one chunk less.
        if (taken == 0 && longest > chunk_size)
            taken = take_piece(first, std::min(left, longest - chunk_size));
        if (taken == 0) {
            free_all();
            return false;
        }
        first += taken;
    }
    return true;
}

/// Frames for chunks from `first` on; how many chunks have got some.
std::size_t RamFrames::take_piece(std::size_t first, std::uint64_t size) {
    const auto piece =
        size == 0 ? std::nullopt : pool_.take_guest_ram(size, base_ + first * chunk_size);
    if (!piece) return 0;
    for (std::uint64_t offset = 0; offset < size; offset += chunk_size)
        chunks_[first + offset / chunk_size] = piece->base + offset;
    return size / chunk_size;
}

std::optional<RamFrames::Piece> RamFrames::piece_from(std::size_t first) const {
    while (first < chunks_.size() && chunks_[first] == none)
        ++first;
    if (first >= chunks_.size()) return std::nullopt;
    std::size_t behind = first + 1;
    while (behind < chunks_.size() && goes_on(behind - 1))
        ++behind;
    return Piece{.at = base_ + first * chunk_size,
                 .frames = {chunks_[first], (behind - first) * chunk_size}};
}

void RamFrames::free_all() {
    std::size_t chunk = 0;
    while (const auto piece = piece_from(chunk)) {
        pool_.free_frames(piece->frames.base, piece->frames.size / frame_size);
        chunk = (piece->at - base_ + piece->frames.size) / chunk_size;
    }
    std::ranges::fill(chunks_, none);
}

bool RamFrames::take(std::size_t chunk) {
    return take_piece(chunk, chunk_size) != 0;
}

void RamFrames::free(std::size_t chunk) {
    pool_.free_frames(chunks_[chunk], chunk_size / frame_size);
    chunks_[chunk] = none;
}

}  // namespace cairn
