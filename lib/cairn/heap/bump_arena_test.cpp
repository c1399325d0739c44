// SPDX-License-Identifier: MIT
#include "cairn/heap/bump_arena.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t grain = BumpArena::grain;

struct Buffer {
    alignas(4096) std::array<std::byte, 4096> bytes{};
    [[nodiscard]] Region region(std::size_t from = 0, std::size_t size = 4096) {
        return {bytes.data() + from, size};
    }
};

struct Arena : BumpArena {
    Buffer buffer;
    Arena() { REQUIRE(init(buffer.region()).has_value()); }
    std::size_t offset(const std::byte* block) {
        return static_cast<std::size_t>(block - buffer.bytes.data());
    }
};

}  // namespace

TEST_CASE("Without a region everything is refused", "[bump_arena]") {
    BumpArena arena;
    CHECK(arena.take(1, 1) == nullptr);
    CHECK(arena.take(0, 1) == nullptr);
    CHECK(arena.take(1, std::size_t{1} << 63) == nullptr);
    CHECK(arena.free_last(nullptr, 0).error() == AllocError::not_last_block);
    CHECK(arena.free_last(nullptr, SIZE_MAX).error() == AllocError::not_last_block);
    CHECK(arena.resize_last(nullptr, 0, 0).error() == AllocError::not_last_block);
    CHECK(arena.rewind({}).error() == AllocError::bad_mark);
    CHECK(arena.rewind(arena.mark()).error() == AllocError::bad_mark);
    CHECK_FALSE(arena.owns(nullptr));
    CHECK(arena.capacity() == 0);
    CHECK(arena.high_water() == 0);
}

TEST_CASE("init takes sane regions, once", "[bump_arena]") {
    Buffer buffer;
    BumpArena arena;
    auto* const top = reinterpret_cast<std::byte*>(~std::uintptr_t{0} - 63);  // NOLINT
    for (const Region bad : {Region{}, Region{nullptr, 4096}, buffer.region(0, 0),
                             buffer.region(0, grain - 1), buffer.region(1, 2 * grain - 2),
                             buffer.region(0, SIZE_MAX), Region{top, 65}, Region{top + 60, 2}}) {
        CHECK(arena.init(bad).error() == AllocError::bad_region);
    }
    // Part-grains at the ends are left out.
    REQUIRE(arena.init(buffer.region(1, 3 * grain + 5)).has_value());
    CHECK(arena.capacity() == 2 * grain);
    CHECK(arena.take(1, 1) == buffer.bytes.data() + grain);
    CHECK(arena.init(buffer.region()).error() == AllocError::already_initialised);
    CHECK(arena.used() == grain);
}

TEST_CASE("Blocks lie on their alignment, whatever power of two", "[bump_arena]") {
    for (std::size_t alignment = 1; alignment <= 1024; alignment *= 2) {
        Arena arena;
        REQUIRE(arena.take(1, 1) != nullptr);
        std::byte* const block = arena.take(8, alignment);
        REQUIRE(block != nullptr);
        CHECK(arena.offset(block) == std::max(alignment, grain));
    }
    Arena arena;
    for (const std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{12},
                                        std::size_t{48}, SIZE_MAX, SIZE_MAX - 1}) {
        CHECK(arena.take(1, alignment) == nullptr);
        CHECK(BumpArena::refusal(alignment) == AllocError::bad_alignment);
    }
    CHECK(BumpArena::refusal(16) == AllocError::out_of_memory);
    CHECK(arena.used() == 0);
}

TEST_CASE("Sizes and alignments that would wrap are refused", "[bump_arena]") {
    Arena arena;
    REQUIRE(arena.take(100, 16) != nullptr);
    for (std::size_t size = 4096 - 112 + 1; size != 0; size *= 2) {
        CHECK(arena.take(size, 16) == nullptr);
    }
    for (std::size_t below = 0; below < 4200; ++below) {
        REQUIRE(arena.take(SIZE_MAX - below, 1) == nullptr);
        REQUIRE(arena.take(SIZE_MAX - below, 4096) == nullptr);
    }
    CHECK(arena.take(1, std::size_t{1} << 63) == nullptr);
    CHECK(arena.take(SIZE_MAX, std::size_t{1} << 63) == nullptr);
    CHECK(arena.used() == 112);
    CHECK(arena.take(4096 - 112, 16) != nullptr);
    CHECK(arena.remaining() == 0);
    CHECK(arena.take(0, 1) == nullptr);
}

TEST_CASE("Nothing wraps at the end of the address space", "[bump_arena]") {
    BumpArena arena;
    auto* const high = reinterpret_cast<std::byte*>(~std::uintptr_t{0} - 4095);  // NOLINT
    REQUIRE(arena.init({high, 4095}).has_value());                               // never touched
    REQUIRE(arena.capacity() == 4080);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, SIZE_MAX}) {
        CHECK(arena.take(size, std::size_t{1} << 63) == nullptr);
        CHECK(arena.take(size, 8192) == nullptr);
    }
    CHECK(arena.take(0, 16) == high);
    CHECK(arena.take(4064, 16) == high + 16);
    CHECK(arena.take(0, 1) == nullptr);
    CHECK(arena.take(16, 1) == nullptr);
    CHECK(arena.remaining() == 0);
}

TEST_CASE("Blocks of zero bytes have addresses of their own", "[bump_arena]") {
    Arena arena;
    std::byte* const a = arena.take(0, 1);
    std::byte* const b = arena.take(0, 1);
    REQUIRE((a != nullptr && b != nullptr));
    CHECK(a != b);
    CHECK(arena.used() == 2 * grain);
    CHECK(arena.free_last(b, 0).has_value());
    CHECK(arena.free_last(a, 0).has_value());
    CHECK(arena.used() == 0);
}

TEST_CASE("The last block goes back, others do not", "[bump_arena]") {
    Arena arena;
    std::byte* const a = arena.take(24, 1);
    std::byte* const b = arena.take(40, 1);
    CHECK(arena.free_last(a, 24).error() == AllocError::not_last_block);
    CHECK(arena.free_last(b, 24).error() == AllocError::not_last_block);  // not its size
    CHECK(arena.free_last(b + 1, 39).error() == AllocError::not_last_block);
    CHECK(arena.free_last(b, SIZE_MAX).error() == AllocError::not_last_block);
    CHECK(arena.free_last(b + 48, 0).error() == AllocError::not_last_block);
    CHECK(arena.free_last(b + 48, SIZE_MAX).error() == AllocError::not_last_block);
    CHECK(arena.free_last(a - 4096, 4096 + 80).error() == AllocError::not_last_block);
    CHECK(arena.free_last(b, 40).has_value());
    CHECK(arena.free_last(b, 40).error() == AllocError::not_last_block);  // twice
    CHECK(arena.free_last(a, 24).has_value());
    CHECK(arena.used() == 0);
    CHECK(arena.high_water() == 80);
}

TEST_CASE("The last block changes its size in place", "[bump_arena]") {
    Arena arena;
    std::byte* const a = arena.take(24, 1);
    std::byte* const b = arena.take(40, 1);
    CHECK(arena.resize_last(b, 40, 1000).has_value());
    CHECK(arena.used() == 32 + 1008);
    CHECK(arena.resize_last(b, 1000, 8).has_value());
    CHECK(arena.used() == 48);
    CHECK(arena.high_water() == 32 + 1008);
    CHECK(arena.resize_last(b, 8, 4096 - 32).has_value());
    CHECK(arena.remaining() == 0);
    CHECK(arena.resize_last(b, 4096 - 32, 4096 - 31).error() == AllocError::out_of_memory);
    CHECK(arena.resize_last(b, 4096 - 32, SIZE_MAX).error() == AllocError::out_of_memory);
    CHECK(arena.resize_last(b, 4096 - 32, 0).has_value());
    CHECK(arena.used() == 48);

    // Any block may change within its grains.
    CHECK(arena.resize_last(a, 24, 32).has_value());
    CHECK(arena.resize_last(a, 32, 33).error() == AllocError::not_last_block);
    CHECK(arena.resize_last(a, 32, 16).error() == AllocError::not_last_block);
    CHECK(arena.resize_last(a, SIZE_MAX, SIZE_MAX).error() == AllocError::not_last_block);
    CHECK(arena.resize_last(nullptr, 8, 8).error() == AllocError::not_last_block);
    CHECK(arena.used() == 48);
}

TEST_CASE("Marks nest, and those above the break are refused", "[bump_arena]") {
    Arena arena;
    const auto start = arena.mark();
    std::byte* const a = arena.take(100, 1);
    const auto outer = arena.mark();
    REQUIRE(arena.take(100, 1) != nullptr);
    const auto inner = arena.mark();
    REQUIRE(arena.take(100, 1) != nullptr);
    REQUIRE(arena.rewind(inner).has_value());
    CHECK(arena.used() == 224);
    REQUIRE(arena.rewind(inner).has_value());
    REQUIRE(arena.rewind(outer).has_value());
    CHECK(arena.used() == 112);
    CHECK(arena.rewind(inner).error() == AllocError::bad_mark);
    CHECK(arena.rewind({a - 16}).error() == AllocError::bad_mark);
    CHECK(arena.rewind({a + 8}).error() == AllocError::bad_mark);
    CHECK(arena.rewind({nullptr}).error() == AllocError::bad_mark);
    REQUIRE(arena.rewind(start).has_value());
    CHECK(arena.used() == 0);
    CHECK(arena.high_water() == 336);
    CHECK(arena.take(1, 1) == a);
}

TEST_CASE("owns knows the region's bytes", "[bump_arena]") {
    Arena arena;
    CHECK(arena.owns(arena.buffer.bytes.data()));
    CHECK(arena.owns(arena.buffer.bytes.data() + 4095));
    CHECK_FALSE(arena.owns(arena.buffer.bytes.data() + 4096));
    CHECK_FALSE(arena.owns(nullptr));
    const int elsewhere = 0;
    CHECK_FALSE(arena.owns(&elsewhere));
}

TEST_CASE("Every allocation error has a sentence of its own", "[bump_arena]") {
    using enum AllocError;
    const auto all = {out_of_memory,       bad_alignment, bad_region,
                      already_initialised, bad_mark,      not_last_block};
    for (const AllocError a : all) {
        CHECK_FALSE(to_string(a).empty());
        CHECK(std::ranges::count(all, to_string(a), [](AllocError b) { return to_string(b); }) ==
              1);
    }
}
