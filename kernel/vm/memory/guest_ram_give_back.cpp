// SPDX-License-Identifier: MIT
// GuestRam: chunks that a guest gives back, and takes back.
#include "kernel/vm/memory/guest_ram.hpp"

namespace cairn {
namespace {

constexpr std::size_t most_drained = 32;  ///< chunks, under the lock

}  // namespace

/// Under the lock. False where the machine has no frames for the chunk.
bool GuestRam::is_taken_back(std::size_t chunk) {
    const Chunk found = chunks_[chunk];
    if (!is_given_back(found)) return true;
    if (found == Chunk::away && !frames_.take(chunk)) return false;
    --given_back_;
    set_state(chunk, Chunk::absent);
    return true;
}

/// Under the lock. False where it cannot be now.
bool GuestRam::is_made_absent(std::size_t chunk) {
    const Chunk found = chunks_[chunk];
    if (found == Chunk::absent) return true;
    const bool may_be = found == Chunk::present || found == Chunk::shown;
    if (!may_be || settings_.harts == nullptr) return false;
    if (!table_.unmap(base_of(chunk), chunk_size, *settings_.harts)) return false;
    if (!owned_.empty()) std::atomic_ref(owned_[chunk]).store(0, std::memory_order_release);
    set_state(chunk, Chunk::absent);
    begin_generation();
    --present_;
    return true;
}

bool GuestRam::give_back(GuestPhys at) {
    const SpinGuard guard(lock_);
    const std::size_t chunk = chunk_of(at);
    if (!is_made_absent(chunk)) return false;
    set_state(chunk, Chunk::leaving);
    ++given_back_;
    readers().restart();
    return true;
}

bool GuestRam::take_back(GuestPhys at) {
    const SpinGuard guard(lock_);
    return is_taken_back(chunk_of(at));
}

bool GuestRam::drain() {
    const SpinGuard guard(lock_);
    if (!readers().all_have_ended()) return false;
    std::size_t left = most_drained;
    for (std::size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
        if (chunks_[chunk] != Chunk::leaving) continue;
        if (left-- == 0) return false;
        frames_.free(chunk);
        set_state(chunk, Chunk::away);
    }
    return true;
}

void GuestRam::discard(GuestRange range) {
    const SpinGuard guard(lock_);
    const std::uint64_t begin = range.base - settings_.base;
    std::size_t chunk = (begin + chunk_size - 1) / chunk_size;
    for (; (chunk + 1) * chunk_size <= begin + range.size; ++chunk)
        (void)is_made_absent(chunk);
}

std::uint64_t GuestRam::given_back_bytes() const {
    const SpinGuard guard(lock_);
    return given_back_ * chunk_size;
}

}  // namespace cairn
