// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/guest_ram.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <cairn/bits.hpp>

namespace cairn {

GuestRam::GuestRam(FramePool& pool, VmMemory& memory, Stage2Table table, const Settings& settings)
    : pool_(pool),
      settings_(settings),
      frames_(pool, memory, settings.base),
      table_(std::move(table)),
      chunks_(VmAllocator<Chunk>(memory.heap())),
      owned_(VmAllocator<Blocks>(memory.heap())),
      patched_(memory.frames(), table_, settings.harts),
      more_frames_(memory.frames()) {}

GuestRam::~GuestRam() {
    table_.clear();
    for (const RegisterFrame& each : register_frames_)
        more_frames_.free_frames(each.frame, 1);
}

GuestRam::Taken GuestRam::take_frames() {
    const std::size_t chunks = settings_.size / chunk_size;
    if (!chunks_.try_resize(chunks, Chunk::absent) || !frames_.make_room(chunks))
        return Taken::no_memory;
    return frames_.take_all() ? Taken::all : Taken::no_frames;
}

GuestMemory GuestRam::memory() {
    return {{settings_.base, settings_.size}, *this};
}

RamTouch GuestRam::give(std::size_t chunk, bool zero) {
    {
        const SpinGuard guard(lock_);
        if (!is_taken_back(chunk)) return RamTouch::lacking;
        const Chunk found = chunks_[chunk];
        if (found == Chunk::filling) return RamTouch::busy;
        if (found != Chunk::absent) return RamTouch::present;
        set_state(chunk, Chunk::filling);
    }
    const HostPhys frames = frames_.of(chunk);
    if (zero && !(settings_.trust_unused && !pool_.was_used({frames, chunk_size})))
        std::memset(pool_.at(frames), 0, chunk_size);
    pool_.mark_used({frames, chunk_size});
    const SpinGuard guard(lock_);
    const bool mapped = table_.map(base_of(chunk), frames, chunk_size, pages_rwx).has_value();
    set_state(chunk, mapped ? Chunk::present : Chunk::absent);
    present_ += mapped ? 1 : 0;
    return mapped ? RamTouch::given : RamTouch::unavailable;
}

RamTouch GuestRam::touch(GuestPhys at) {
    const std::size_t chunk = chunk_of(at);
    const RamTouch done = give(chunk, true);
    if (done == RamTouch::present) return touch_present(at, state(chunk));
    if (done == RamTouch::busy) return done;
    const SpinGuard guard(lock_);
    const bool lacked_some = std::exchange(lacks_frames_, done == RamTouch::lacking);
    return done == RamTouch::lacking && lacked_some ? RamTouch::busy : done;
}

RamTouch GuestRam::touch_present(GuestPhys at, Chunk found) {
    if (is_patched(found) && page(at).any()) return RamTouch::patched;
    return is_shown(found) ? own_block(at) : RamTouch::present;
}

std::uint64_t GuestRam::show(GuestPhys to, std::span<const std::byte> from) {
    const HostPhys source{reinterpret_cast<std::uint64_t>(from.data())};
    const bool fits =
        is_aligned(to - settings_.base, chunk_size) && is_aligned(source.value, paging::page_size);
    if (!fits || settings_.harts == nullptr) return 0;
    if (owned_.empty() && !owned_.try_resize(chunks_.size(), 0)) return 0;
    const bool goes_on = !shown_.empty() && shown_.back().range.end() == to &&
                         shown_.back().source + shown_.back().range.size == source;
    if (!goes_on && shown_.size() == shown_.capacity()) return 0;
    const std::size_t first = chunk_of(to);
    std::uint64_t size = 0;
    for (std::size_t chunk = first; from.size() - size >= chunk_size; ++chunk, size += chunk_size) {
        if (!show_chunk(chunk, source + size)) break;
    }
    if (goes_on) {
        shown_.back().range.size += size;
    } else if (size != 0) {
        shown_.push_back({.range = {to, size}, .source = source});
    }
    return size;
}

/// False where something is there already, or no memory for the table.
bool GuestRam::show_chunk(std::size_t chunk, HostPhys source) {
    const SpinGuard guard(lock_);
    if (chunks_[chunk] != Chunk::absent) return false;
    const GuestPhys base = base_of(chunk);
    if (!table_.map(base, source, chunk_size, pages_rx)) return false;
    pool_.mark_used({frames_.of(chunk), chunk_size});
    set_state(chunk, Chunk::shown);
    ++present_;
    return true;
}

/// Has the guest's own frames be at the block that holds `at`, in a chunk that is shown, with the
/// bytes that it has seen there so far.
RamTouch GuestRam::own_block(GuestPhys at) {
    const SpinGuard guard(lock_);
    if (!is_shown(chunks_[chunk_of(at)])) return RamTouch::present;
    const auto shown =
        std::ranges::find_if(shown_, [at](const Shown& each) { return each.range.contains(at); });
    if (shown == shown_.end()) return RamTouch::present;
    const GuestPhys block{align_down(at.value, block_size)};
    if ((owned_[chunk_of(block)] & bit_of(block)) != 0) return RamTouch::present;
    const HostPhys frames = frames_.of(chunk_of(block)) + (block - settings_.base) % chunk_size;
    std::memcpy(pool_.at(frames), pool_.at(shown->source + (block - shown->range.base)),
                block_size);
    if (!table_.move(block, frames, block_size, pages_rwx, *settings_.harts))
        return RamTouch::unavailable;
    note_owned(block);
    return RamTouch::given;
}

/// Under the lock. A chunk that is the guest's whole is as any other.
void GuestRam::note_owned(GuestPhys block) {
    const std::size_t chunk = chunk_of(block);
    const Blocks owned = owned_[chunk] | bit_of(block);
    std::atomic_ref(owned_[chunk]).store(owned, std::memory_order_release);
    if (~owned != 0) return;
    set_state(chunk, is_patched(chunks_[chunk]) ? Chunk::patched : Chunk::present);
}

/// The same of every block of `range` in a chunk that is shown.
bool GuestRam::own_blocks(std::size_t chunk, GuestRange range) {
    const GuestPhys base = base_of(chunk);
    const GuestPhys end = std::min(base + chunk_size, range.end());
    GuestPhys block{align_down(std::max(base, range.base).value, block_size)};
    for (; block < end; block = block + block_size) {
        if (own_block(block) == RamTouch::unavailable) return false;
    }
    return true;
}

/// What of `range` lies in the chunk. A guest may give it back meanwhile.
bool GuestRam::prepare_chunk(std::size_t chunk, GuestRange range, RamUse use) {
    const GuestPhys base = base_of(chunk);
    const bool whole =
        use == RamUse::overwrite_all && base >= range.base && range.end() - base >= chunk_size;
    RamTouch done = give(chunk, !whole);
    while (done == RamTouch::busy)  // for as long as another hart zeroes a chunk
        done = give(chunk, !whole);
    if (done == RamTouch::unavailable || done == RamTouch::lacking) return false;
    const Chunk found = state(chunk);
    if (is_patched(found)) {
        const SpinGuard guard(lock_);
        if (!patched_.open_for_access(range)) return false;
    }
    if (is_shown(found) && !own_blocks(chunk, range)) return false;
    return !is_given_back(state(chunk));
}

bool GuestRam::is_there(std::size_t chunk, GuestRange range) const {
    const Chunk found = state(chunk);
    if (found != Chunk::shown) return found == Chunk::present;
    const std::uint64_t begin = chunk * chunk_size;
    const std::uint64_t from = range.base - settings_.base;
    const std::uint64_t first = from > begin ? (from - begin) / block_size : 0;
    const std::uint64_t last = std::min(from + range.size - begin - 1, chunk_size - 1) / block_size;
    const Blocks wanted = (~Blocks{0} >> (31 - last)) & (~Blocks{0} << first);
    const Blocks owned =
        std::atomic_ref(const_cast<Blocks&>(owned_[chunk])).load(std::memory_order_acquire);
    return (owned & wanted) == wanted;
}

bool GuestRam::is_ready(GuestRange range) const {
    if (range.size == 0) return true;
    const std::size_t last = chunk_of(range.end() - 1);
    for (std::size_t chunk = chunk_of(range.base); chunk <= last; ++chunk) {
        if (!is_there(chunk, range)) return false;
    }
    return true;
}

/// One chunk is zeroed for it at most; what follows belongs to it as far as it is there already.
std::span<std::byte> GuestRam::piece(GuestRange range, RamUse use) {
    const std::size_t first = chunk_of(range.base);
    if (!is_there(first, range) && !prepare_chunk(first, range, use)) return {};
    const std::size_t last = chunk_of(range.end() - 1);
    std::size_t chunk = first;
    while (chunk != last && is_there(chunk + 1, range) && frames_.goes_on(chunk))
        ++chunk;
    const std::uint64_t offset = range.base - base_of(first);
    return {pool_.at(frames_.of(first) + offset),
            std::min(range.size, (chunk + 1 - first) * chunk_size - offset)};
}

/// A chunk, or of one that is shown the block that is the guest's own.
RamWindow GuestRam::window(GuestPhys at) {
    const std::size_t chunk = chunk_of(at);
    if (chunk >= chunks_.size()) return {};  // also where it lies below RAM
    const Chunk found = state(chunk);
    if (found == Chunk::present) return {base_of(chunk), {pool_.at(frames_.of(chunk)), chunk_size}};
    const GuestPhys block{align_down(at.value, block_size)};
    if (found != Chunk::shown || !is_there(chunk, {block, block_size})) return {};
    return {block, {pool_.at(frames_.of(chunk) + (block - base_of(chunk))), block_size}};
}

GuestRam::View GuestRam::view(GuestPhys at) const {
    const SpinGuard guard(lock_);
    const std::size_t chunk = chunk_of(at);
    const GuestPhys page{align_down(at.value, paging::page_size)};
    if (const auto original = patched_.original(page))
        return {.bytes = pool_.at(*original), .size = paging::page_size};
    const auto mapped = table_.translate(page);
    if (chunks_[chunk] == Chunk::absent || chunks_[chunk] == Chunk::filling || !mapped)
        return {.size = base_of(chunk + 1) - page};
    return {.bytes = pool_.at(mapped->host), .size = paging::page_size};
}

GuestRam::BlockUse GuestRam::use_of(GuestPhys at) const {
    const SpinGuard guard(lock_);
    const std::size_t chunk = chunk_of(at);
    const Chunk found = chunks_[chunk];
    if (found == Chunk::absent || found == Chunk::filling) return BlockUse::absent;
    if (is_given_back(found)) return BlockUse::away;
    const GuestPhys block{align_down(at.value, block_size)};
    const bool owned = !owned_.empty() && (owned_[chunk] & bit_of(block)) != 0;
    if (owned) return BlockUse::written;
    return is_shown(found) ? BlockUse::shared : BlockUse::own;
}

GuestRam::Pieces GuestRam::pieces_from(GuestPhys at) const {
    Pieces pieces;
    const SpinGuard guard(lock_);
    while (pieces.size() < pieces.capacity()) {
        const auto piece = frames_.piece_from(chunk_of(at));
        if (!piece) break;
        pieces.push_back(*piece);
        at = piece->at + piece->frames.size;
    }
    return pieces;
}

/// What lies about in single chunks is taken in fewer pieces then.
bool GuestRam::forget() {
    const SpinGuard guard(lock_);
    table_.clear();
    std::ranges::fill(chunks_, Chunk::absent);
    begin_generation();
    std::ranges::fill(owned_, Blocks{0});
    shown_.clear();
    patched_.forget();
    map_register_frames();
    present_ = 0;
    lacks_frames_ = false;
    if (std::exchange(given_back_, 0) == 0) return true;
    frames_.free_all();
    return frames_.take_all();
}

std::uint64_t GuestRam::present_bytes() const {
    const SpinGuard guard(lock_);
    return present_ * chunk_size;
}

}  // namespace cairn
