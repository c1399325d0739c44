// SPDX-License-Identifier: MIT
#include "kernel/host/memory/counted_frames.hpp"

#include <cairn/bits.hpp>
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {

std::optional<HostPhys> CountedFrames::allocate_frames(std::size_t count, std::uint64_t alignment) {
    const auto bytes = checked_multiply<std::size_t>(count, frame_size);
    if (!bytes || !account_.reserve(*bytes)) return std::nullopt;
    const auto frames = below_.allocate_frames(count, alignment);
    account_.settle(*bytes, frames ? *bytes : 0);
    return frames;
}

void CountedFrames::free_frames(HostPhys base, std::size_t count) {
    below_.free_frames(base, count);
    account_.refund(count * frame_size);
}

}  // namespace cairn
