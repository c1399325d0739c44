// SPDX-License-Identifier: MIT
#include "kernel/host/frame_source.hpp"

#include <array>
#include <cstdlib>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

TEST_CASE("frames of the memory map are memory at their address", "[frame_source]") {
    constexpr std::size_t bytes = 16 * frame_size;
    void* const arena = std::aligned_alloc(4 * frame_size, bytes);
    REQUIRE(arena != nullptr);
    const std::array memory{HostRange{{reinterpret_cast<std::uintptr_t>(arena)}, bytes}};
    MemoryMap map = *MemoryMap::create(memory, {});
    MemoryMapFrames frames(map);

    const auto one = frames.allocate_frames(1, frame_size);
    const auto four = frames.allocate_frames(4, 4 * frame_size);
    REQUIRE((one && four));
    CHECK(four->value % (4 * frame_size) == 0);
    CHECK(frames.at(*one) == reinterpret_cast<std::byte*>(one->value));
    *frames.at(*four + 4 * frame_size - 1) = std::byte{1};  // ASan watches
    CHECK_FALSE(frames.allocate_frames(16, frame_size));
    frames.free_frames(*one, 1);
    frames.free_frames(*four, 4);
    CHECK(map.free_bytes() == bytes);
    std::free(arena);
}

}  // namespace
}  // namespace cairn
