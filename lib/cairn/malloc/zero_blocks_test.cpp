// SPDX-License-Identifier: MIT
#include "cairn/malloc/zero_blocks.hpp"

#include <memory>
#include <set>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Given = ZeroBlocks::Given;
constexpr std::size_t places = 256;

/// On addresses that nobody has: none is ever touched.
struct Bench {
    std::byte* base = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 40);
    std::unique_ptr<ZeroBlocks> blocks = std::make_unique<ZeroBlocks>();
    Bench() { blocks->init({base, places * 16 + 8}); }
};

TEST_CASE("each block of no bytes has an address of its own", "[zero_blocks]") {
    const Bench bench;
    std::set<std::byte*> seen;
    for (std::size_t i = 0; i < places; ++i) {
        std::byte* const block = bench.blocks->take();
        REQUIRE(block >= bench.base);
        CHECK(block + 16 <= bench.base + places * 16);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
        CHECK(bench.blocks->is_live(block));
        CHECK(seen.insert(block).second);
    }
    CHECK(bench.blocks->take() == nullptr);
    for (std::byte* const block : seen)
        CHECK(bench.blocks->give(block) == Given::taken_back);
    CHECK(bench.blocks->take() != nullptr);
}

TEST_CASE("a block of no bytes that is freed is another's as late as can be", "[zero_blocks]") {
    const Bench bench;
    std::byte* const first = bench.blocks->take();
    CHECK(bench.blocks->give(first) == Given::taken_back);
    CHECK(bench.blocks->give(first) == Given::free_already);
    CHECK(!bench.blocks->is_live(first));
    for (std::size_t i = 1; i < places; ++i) {
        std::byte* const other = bench.blocks->take();
        CHECK(other != first);
        CHECK(bench.blocks->give(other) == Given::taken_back);
    }
    CHECK(bench.blocks->take() == first);
}

TEST_CASE("what is no block of no bytes is told", "[zero_blocks]") {
    const Bench bench;
    std::byte* const block = bench.blocks->take();
    CHECK(bench.blocks->give(block + 1) == Given::no_block);
    CHECK(bench.blocks->give(bench.base - 16) == Given::no_block);
    CHECK(bench.blocks->give(bench.base + places * 16) == Given::no_block);
    CHECK(bench.blocks->give(nullptr) == Given::no_block);
    CHECK(!bench.blocks->is_live(block + 8));
    const auto none = std::make_unique<ZeroBlocks>();
    CHECK(none->take() == nullptr);
    CHECK(none->give(block) == Given::no_block);
}

}  // namespace
}  // namespace cairn
