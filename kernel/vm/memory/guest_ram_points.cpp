// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// A debugger's part of GuestRam: breakpoints and watchpoints, under its lock.
#include "kernel/vm/memory/guest_ram.hpp"

namespace cairn {

/// From here on Cairn's own accesses to the chunk find that out. One that is under way may still
/// write to the page behind the copy's making; no hart of the guest runs.
bool GuestRam::begin_patching(GuestPhys at) {
    const std::size_t chunk = chunk_of(at);
    if (chunks_[chunk] == Chunk::absent || is_given_back(chunks_[chunk])) return false;
    if (!is_patched(chunks_[chunk])) {
        set_state(chunk, is_shown(chunks_[chunk]) ? Chunk::shown_patched : Chunk::patched);
        begin_generation();
    }
    return true;
}

bool GuestRam::is_soon_ready(GuestRange range) const {
    if (range.size == 0) return true;
    const std::size_t last = chunk_of(range.end() - 1);
    for (std::size_t chunk = chunk_of(range.base); chunk <= last; ++chunk) {
        if (state(chunk) != Chunk::patched && !is_there(chunk, range)) return false;
    }
    return true;
}

bool GuestRam::insert(GuestPhys at) {
    if (settings_.harts == nullptr || piece({at, 2}, RamUse::access).empty()) return false;
    const SpinGuard guard(lock_);
    return begin_patching(at) && patched_.insert(at);
}

void GuestRam::remove(GuestPhys at) {
    const SpinGuard guard(lock_);
    patched_.remove(at);
}

bool GuestRam::has(GuestPhys at) {
    const SpinGuard guard(lock_);
    return patched_.has(at);
}

bool GuestRam::insert(const Watchpoint& point) {
    if (settings_.harts == nullptr || piece(point.range, RamUse::access).empty()) return false;
    const SpinGuard guard(lock_);
    return begin_patching(point.range.base) && patched_.insert(point);
}

void GuestRam::remove(const WatchedBytes& named, WatchKind kind) {
    const SpinGuard guard(lock_);
    patched_.remove(named, kind);
}

std::optional<Watchpoint> GuestRam::met_by(GuestRange at, AccessEffect effect) {
    const SpinGuard guard(lock_);
    return patched_.met_by(at, effect);
}

/// What was one leaf is one again.
void GuestRam::remove_all() {
    const SpinGuard guard(lock_);
    patched_.remove_all();
    for (std::size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
        if (!is_patched(chunks_[chunk])) continue;
        set_state(chunk, is_shown(chunks_[chunk]) ? Chunk::shown : Chunk::present);
        (void)table_.merge(base_of(chunk), *settings_.harts);
    }
}

DebugPoints::Page GuestRam::page(GuestPhys at) {
    const SpinGuard guard(lock_);
    return patched_.page(at);
}

bool GuestRam::open(GuestPhys at, Use use) {
    const SpinGuard guard(lock_);
    return patched_.open(at, use);
}

void GuestRam::give_up(GuestPhys at) {
    const SpinGuard guard(lock_);
    patched_.give_up(at);
}

}  // namespace cairn
