// SPDX-License-Identifier: MIT
#include "kernel/host/frame_source.hpp"

#include "lib/panic.hpp"

namespace cairn {

std::optional<HostPhys> MemoryMapFrames::allocate_frames(std::size_t count,
                                                         std::uint64_t alignment) {
    return map_.take_frames(count, alignment);
}

void MemoryMapFrames::free_frames(HostPhys base, std::size_t count) {
    const auto returned = map_.give_back({base, count * frame_size});
    // A map too fragmented to note them loses the frames; only returning others' is a bug.
    require(returned || returned.error() != MemoryMapError::not_taken,
            "page frames were freed that nobody had taken");
}

std::byte* MemoryMapFrames::at(HostPhys address) {
    return reinterpret_cast<std::byte*>(address.value);
}

}  // namespace cairn
