// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_ram.hpp"

#include <algorithm>
#include <cstring>

#include <cairn/bits.hpp>

namespace cairn {

GuestRam::GuestRam(FramePool& pool, VmMemory& memory, Stage2Table table, const Settings& settings)
    : pool_(pool),
      settings_(settings),
      table_(std::move(table)),
      chunks_(VmAllocator<Chunk>(memory.heap())) {}

GuestRam::~GuestRam() {
    table_.clear();
    for (const HostRange& piece : pieces_)
        pool_.free_frames(piece.base, piece.size / frame_size);
}

GuestRam::Taken GuestRam::take_frames() {
    if (!chunks_.try_resize(settings_.size / chunk_size, Chunk::absent)) return Taken::no_memory;
    return take_pieces() ? Taken::all : Taken::no_frames;
}

/// One piece if there is one, else the longest that are left, one after the other.
bool GuestRam::take_pieces() {
    for (std::uint64_t left = settings_.size; left != 0;) {
        const std::uint64_t longest = align_down(pool_.largest_free(), chunk_size);
        bool taken = take_piece(std::min(left, longest));
        // The longest run may begin off a chunk's boundary, and hold one chunk less.
        if (!taken && longest > chunk_size)
            taken = take_piece(std::min(left, longest - chunk_size));
        if (!taken) {
            for (const HostRange& piece : pieces_)
                pool_.free_frames(piece.base, piece.size / frame_size);
            pieces_.clear();
            return false;
        }
        left -= pieces_.back().size;
    }
    return true;
}

bool GuestRam::take_piece(std::uint64_t size) {
    if (size == 0 || pieces_.size() == pieces_.capacity()) return false;
    GuestPhys base = settings_.base;
    for (const HostRange& piece : pieces_)
        base = base + piece.size;
    const auto piece = pool_.take_guest_ram(size, base);
    return piece && pieces_.try_push_back(*piece) != nullptr;
}

GuestMemory GuestRam::memory() {
    GuestMemory memory(settings_.base, *this);
    for (const HostRange& piece : pieces_)
        (void)memory.append({pool_.at(piece.base), piece.size});  // as many as there is room for
    return memory;
}

HostPhys GuestRam::frames_of(std::size_t chunk) const {
    std::uint64_t offset = chunk * chunk_size;
    auto piece = pieces_.begin();
    for (; offset >= piece->size; ++piece)
        offset -= piece->size;
    return piece->base + offset;
}

RamTouch GuestRam::give(std::size_t chunk, bool zero) {
    {
        const SpinGuard guard(lock_);
        if (chunks_[chunk] == Chunk::present) return RamTouch::present;
        if (chunks_[chunk] == Chunk::filling) return RamTouch::busy;
        chunks_[chunk] = Chunk::filling;
    }
    const HostPhys frames = frames_of(chunk);
    if (zero && !(settings_.trust_unused && !pool_.was_used({frames, chunk_size})))
        std::memset(pool_.at(frames), 0, chunk_size);
    pool_.mark_used({frames, chunk_size});
    const SpinGuard guard(lock_);
    const bool mapped =
        table_.map(settings_.base + chunk * chunk_size, frames, chunk_size, pages_rwx).has_value();
    chunks_[chunk] = mapped ? Chunk::present : Chunk::absent;
    present_ += mapped ? 1 : 0;
    return mapped ? RamTouch::given : RamTouch::unavailable;
}

RamTouch GuestRam::touch(GuestPhys at) {
    return give((at - settings_.base) / chunk_size, true);
}

bool GuestRam::prepare(GuestRange range, RamUse use) {
    if (range.size == 0) return true;
    const std::size_t last = (range.end() - 1 - settings_.base) / chunk_size;
    for (std::size_t chunk = (range.base - settings_.base) / chunk_size; chunk <= last; ++chunk) {
        const GuestPhys base = settings_.base + chunk * chunk_size;
        const bool whole =
            use == RamUse::overwrite_all && base >= range.base && range.end() - base >= chunk_size;
        RamTouch done = give(chunk, !whole);
        while (done == RamTouch::busy)  // for as long as another hart zeroes a chunk
            done = give(chunk, !whole);
        if (done == RamTouch::unavailable) return false;
    }
    return true;
}

void GuestRam::forget() {
    const SpinGuard guard(lock_);
    table_.clear();
    std::ranges::fill(chunks_, Chunk::absent);
    present_ = 0;
}

std::uint64_t GuestRam::present_bytes() const {
    const SpinGuard guard(lock_);
    return present_ * chunk_size;
}

}  // namespace cairn
