// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/hardened_block.hpp"

#include <cstring>
#include <new>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t page = 4096;
constexpr std::byte fresh{0xcd};
constexpr std::byte freed{0xdd};

/// A block in a span of its own, of exactly the size that was planned.
struct Span {
    HardenedBlock planned;
    std::byte* block;

    Span(Layout layout, std::size_t guard)
        : planned(hardened::plan(layout, guard).value()), block(nullptr) {
        planned.span = static_cast<std::byte*>(::operator new(planned.span_size(), alignment()));
        block = hardened::place(planned);
        hardened::set_up(block, planned);
        hardened::fill(block, fresh);
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;
    ~Span() { ::operator delete(planned.span, alignment()); }

    [[nodiscard]] std::align_val_t alignment() const {
        return std::align_val_t{planned.whole().alignment};
    }
};

}  // namespace

TEST_CASE("A hardened block has its size, its alignment and ground around it", "[hardened_block]") {
    for (const std::size_t guard : {std::size_t{0}, page}) {
        for (std::size_t alignment = 1; alignment <= 2 * page; alignment *= 2) {
            for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 100UL, 4096UL, 10000UL}) {
                const Span s({size, alignment}, guard);
                REQUIRE(reinterpret_cast<std::uintptr_t>(s.block) % alignment == 0);
                REQUIRE(s.planned.whole().size % (guard == 0 ? 16 : page) == 0);
                const auto redzone = s.planned.redzone(s.block);
                REQUIRE(redzone.base == s.block + size);
                std::byte* const end = s.planned.span + s.planned.span_size();
                if (guard == 0) {
                    REQUIRE(redzone.size >= hardened::least_redzone);
                    REQUIRE(redzone.base + redzone.size == end);
                } else {
                    const Region last = s.planned.last_pages(s.block);
                    REQUIRE(redzone.size < std::clamp(alignment, std::size_t{16}, page));
                    REQUIRE(redzone.base + redzone.size == last.base);
                    REQUIRE(last.base + last.size == end);
                    REQUIRE(last.size >= page);
                }
                const auto padding = s.planned.padding(s.block);
                REQUIRE(padding.base == s.planned.span + guard);
                REQUIRE(padding.base + padding.size + sizeof(hardened::Header) == s.block);
                REQUIRE_FALSE(hardened::judge(s.block, Layout{size, alignment}).has_value());
                REQUIRE_FALSE(hardened::damage_around(s.block).has_value());
            }
        }
    }
}

TEST_CASE("What no span can hold is refused", "[hardened_block]") {
    for (const std::size_t guard : {std::size_t{0}, page}) {
        CHECK(hardened::plan({1, 0}, guard).error() == AllocError::bad_alignment);
        CHECK(hardened::plan({1, 48}, guard).error() == AllocError::bad_alignment);
        CHECK(hardened::plan({SIZE_MAX, 16}, guard).error() == AllocError::too_large);
        CHECK(hardened::plan({SIZE_MAX - 200, 16}, guard).error() == AllocError::too_large);
        CHECK(hardened::plan({PTRDIFF_MAX - 20, 1}, guard).error() == AllocError::too_large);
        CHECK(hardened::plan({1, std::size_t{1} << 63}, guard).error() == AllocError::too_large);
        CHECK(hardened::plan({SIZE_MAX / 2, std::size_t{1} << 63}, guard).error() ==
              AllocError::too_large);
    }
}

TEST_CASE("Every byte around a block is watched", "[hardened_block]") {
    const Span s({100, 256}, 0);
    const std::size_t first_behind = 100;
    for (std::size_t i = first_behind; s.block + i < s.planned.span + s.planned.span_size(); ++i) {
        s.block[i] ^= std::byte{4};
        REQUIRE(hardened::damage_around(s.block) == HeapFaultKind::overflow);
        s.block[i] ^= std::byte{4};
    }
    for (std::byte* at = s.planned.span; at < s.block; ++at) {
        *at ^= std::byte{4};
        const auto fault = hardened::judge(s.block, std::nullopt);
        REQUIRE((fault || hardened::damage_around(s.block) == HeapFaultKind::underflow));
        *at ^= std::byte{4};
    }
    s.block[0] = std::byte{4};
    s.block[99] = std::byte{4};
    CHECK_FALSE(hardened::damage_around(s.block).has_value());
    CHECK_FALSE(hardened::judge(s.block, std::nullopt).has_value());
}

TEST_CASE("Every byte of a freed block is watched", "[hardened_block]") {
    const Span s({100, 8}, 0);
    CHECK_FALSE(hardened::is_untouched(s.block, freed));
    hardened::close(s.block);
    CHECK_FALSE(hardened::is_untouched(s.block, freed));  // not filled yet
    hardened::fill(s.block, freed);
    CHECK(hardened::is_untouched(s.block, freed));
    for (std::byte* at = s.planned.span; at < s.planned.span + s.planned.span_size(); ++at) {
        *at ^= std::byte{1};
        REQUIRE_FALSE(hardened::is_untouched(s.block, freed));
        *at ^= std::byte{1};
    }
    CHECK(hardened::judge(s.block, std::nullopt)->kind == HeapFaultKind::double_free);
    CHECK(hardened::judge(s.block, std::nullopt)->size == 100);
}

TEST_CASE("A block changes its size within its span", "[hardened_block]") {
    const Span s({100, 8}, 0);
    std::memset(s.block, 1, 100);
    CHECK(hardened::resize(s.block, 60, fresh));
    CHECK_FALSE(hardened::damage_around(s.block).has_value());
    s.block[60] = std::byte{1};
    CHECK(hardened::damage_around(s.block) == HeapFaultKind::overflow);
    s.block[60] = hardened::untouchable;
    CHECK(hardened::resize(s.block, 80, fresh));
    CHECK(s.block[59] == std::byte{1});
    CHECK(s.block[60] == fresh);
    CHECK(s.block[79] == fresh);
    // 64 + 100 + 32, rounded up: 208 bytes, 32 of them redzone.
    CHECK(hardened::resize(s.block, 112, fresh));
    CHECK_FALSE(hardened::resize(s.block, 113, fresh));
    CHECK_FALSE(hardened::resize(s.block, SIZE_MAX, fresh));
    CHECK_FALSE(hardened::damage_around(s.block).has_value());
    CHECK_FALSE(hardened::judge(s.block, Layout{112, 8}).has_value());
}
