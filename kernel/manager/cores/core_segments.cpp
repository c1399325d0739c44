// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/cores/core_segments.hpp"

namespace cairn {

bool CoreSegments::add(std::uint64_t stored, std::uint64_t size) {
    const bool goes_on =
        !segments_.empty() && (stored == 0 || segments_.back().stored == segments_.back().size);
    if (!goes_on && !segments_.try_push_back({.base = next_, .offset = offset_})) return false;
    segments_.back().stored += stored;
    segments_.back().size += size;
    next_ = next_ + size;
    offset_ += stored;
    return true;
}

bool CoreSegments::add_stored(std::uint64_t size) {
    return add(size, size);
}

bool CoreSegments::add_zeros(std::uint64_t size) {
    return add(0, size);
}

}  // namespace cairn
