// SPDX-License-Identifier: MIT
#include "cairn/unique_ptr.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "cairn/allocator.hpp"
#include "cairn/container/container_test_allocator.hpp"
#include "cairn/container/vector/relocate.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::OutOfMemory;
using testing::TestAllocator;
using testing::Tracked;

static_assert(sizeof(allocated_ptr<int, allocator<int>>) == sizeof(int*));
static_assert(is_trivially_relocatable_v<allocated_ptr<int, allocator<int>>>);
static_assert(std::is_same_v<unique_block<int, allocator<char>>,
                             std::unique_ptr<int[], allocator_delete<int[], allocator<int>>>>);

constexpr bool works_in_constant_evaluation() {
    const auto number = allocate_unique<int>(allocator<int>(), 5);
    const auto block = try_allocate_unique<int[]>(allocator<int>(), 3);
    block[1] = *number;
    return elements(block).size() == 3 && block[0] == 0 && block[1] == 5;
}
static_assert(works_in_constant_evaluation());

TEST_CASE("try_make_unique is make_unique that can say no", "[unique_ptr]") {
    const auto pair = try_make_unique<std::pair<int, int>>(1, 2);
    REQUIRE(pair);
    CHECK(pair->second == 2);
    const auto numbers = try_make_unique<int[]>(4);
    REQUIRE(numbers);
    CHECK(numbers[3] == 0);
}

TEST_CASE("allocate_unique constructs, destroys and gives back", "[unique_ptr]") {
    Ledger ledger;
    {
        const auto one = allocate_unique<Tracked>(TestAllocator<char>(ledger), 7);
        CHECK(one->value() == 7);
        CHECK(ledger.bytes == sizeof(Tracked));
        CHECK(&one.get_deleter().get_allocator().ledger() == &ledger);
        auto many = allocate_unique<Tracked[]>(TestAllocator<char>(ledger), 3);
        CHECK(elements(many).size() == 3);
        CHECK(Tracked::live == 4);
        auto moved = std::move(many);
        CHECK(elements(many).empty());
        CHECK(elements(moved).back().value() == 0);
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    CHECK(Tracked::live == 0);
    CHECK(Tracked::broken == 0);
}

TEST_CASE("without memory there is an empty pointer, and the arguments stay", "[unique_ptr]") {
    Ledger ledger;
    ledger.allowed = 0;
    const TestAllocator<Tracked> allocator(ledger);
    Tracked kept = 77;
    CHECK(!try_allocate_unique<Tracked>(allocator, std::move(kept)));
    CHECK(kept.value() == 77);
    CHECK(!try_allocate_unique<Tracked[]>(allocator, 3));
    CHECK(elements(try_allocate_unique<Tracked[]>(allocator, 3)).empty());
    CHECK_THROWS_AS(allocate_unique<Tracked>(allocator, 1), OutOfMemory);
    CHECK_THROWS_AS(allocate_unique<Tracked[]>(allocator, 2), OutOfMemory);
    CHECK(Tracked::live == 1);
    CHECK(!try_allocate_unique<std::uint64_t[]>(cairn::allocator<int>(),
                                                std::numeric_limits<std::size_t>::max() / 2));
}

}  // namespace
}  // namespace cairn
