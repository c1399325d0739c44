// SPDX-License-Identifier: MIT
// `vector` without memory: every operation is run with its first, second ... request refused, until
// it succeeds; each time before, nothing may have changed.
#include <sstream>
#include <string_view>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::OutOfMemory;
using testing::TestAllocator;
using testing::Tracked;

using Vector = vector<Tracked, TestAllocator<Tracked>>;

struct Arguments {
    Tracked value = 77;
    std::istringstream text{"1 2 3 4 5 6 7 8 9"};
    vector<int> many{1, 2, 3, 4, 5, 6, 7, 8, 9};
    auto single_pass() {
        return std::ranges::subrange(std::istream_iterator<int>(text),
                                     std::istream_iterator<int>());
    }
};

struct Operation {
    std::string_view name;
    bool (*run)(Vector& v, Arguments& with);  // whether it succeeded
    std::size_t size;                         // of a vector of 5 afterwards
};

constexpr Operation operations[] = {
    {"push_back", [](auto& v, auto& with) { return v.try_push_back(with.value).has_value(); }, 6},
    {"push_back, moving",
     [](auto& v, auto& with) { return v.try_push_back(std::move(with.value)).has_value(); }, 6},
    {"push_back of an element", [](auto& v, auto&) { return v.try_push_back(v[1]).has_value(); },
     6},
    {"emplace_back",
     [](auto& v, auto& with) { return v.try_emplace_back(std::move(with.value)).has_value(); }, 6},
    {"emplace",
     [](auto& v, auto& with) {
         return v.try_emplace(v.begin() + 2, std::move(with.value)).has_value();
     },
     6},
    {"insert", [](auto& v, auto& with) { return v.try_insert(v.begin(), with.value).has_value(); },
     6},
    {"insert, moving",
     [](auto& v, auto& with) {
         return v.try_insert(v.begin() + 4, std::move(with.value)).has_value();
     },
     6},
    {"insert of copies",
     [](auto& v, auto&) { return v.try_insert(v.begin() + 1, 9, v[2]).has_value(); }, 14},
    {"insert_range",
     [](auto& v, auto& with) { return v.try_insert_range(v.begin() + 1, with.many).has_value(); },
     14},
    {"insert_range, single pass",
     [](auto& v, auto& with) {
         return v.try_insert_range(v.begin() + 1, with.single_pass()).has_value();
     },
     14},
    {"append_range", [](auto& v, auto& with) { return v.try_append_range(with.many).has_value(); },
     14},
    {"append_range, single pass",
     [](auto& v, auto& with) { return v.try_append_range(with.single_pass()).has_value(); }, 14},
    {"append_range of itself", [](auto& v, auto&) { return v.try_append_range(v).has_value(); },
     10},
    {"assign", [](auto& v, auto&) { return v.try_assign(9, v[1]).has_value(); }, 9},
    {"assign_range", [](auto& v, auto& with) { return v.try_assign_range(with.many).has_value(); },
     9},
    {"assign_range, single pass",
     [](auto& v, auto& with) { return v.try_assign_range(with.single_pass()).has_value(); }, 9},
    {"reserve", [](auto& v, auto&) { return v.try_reserve(20).has_value(); }, 5},
    {"resize", [](auto& v, auto&) { return v.try_resize(20).has_value(); }, 20},
    {"resize with copies", [](auto& v, auto&) { return v.try_resize(20, v[1]).has_value(); }, 20},
};

/// The size, address, capacity and values of a vector, to see that none of them changed.
struct Snapshot {
    explicit Snapshot(const Vector& v) : data(v.data()), capacity(v.capacity()) {
        for (const Tracked& element : v)
            values.push_back(element.value());
    }
    bool operator==(const Snapshot&) const = default;
    const Tracked* data;
    std::size_t capacity;
    vector<int> values;
};

/// Runs `operation` on a full vector of 5 with `allowed` requests granted; whether it succeeded.
bool succeeds_with(const Operation& operation, std::size_t allowed, std::size_t slack) {
    Ledger ledger;
    ledger.slack = slack;
    bool succeeded = false;
    {
        Vector v({10, 11, 12, 13, 14}, TestAllocator<Tracked>(ledger));
        Arguments arguments;
        const Snapshot before(v);
        const long live = Tracked::live;
        const std::size_t bytes = ledger.bytes;
        ledger.allowed = allowed;
        succeeded = operation.run(v, arguments);
        if (succeeded) {
            CHECK(v.size() == operation.size);
        } else {
            CHECK(Snapshot(v) == before);
            CHECK(Tracked::live == live);
            CHECK(ledger.bytes == bytes);
            CHECK(arguments.value.value() == 77);
        }
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    CHECK(Tracked::live == 0);
    CHECK(Tracked::broken == 0);
    return succeeded;
}

TEST_CASE("a try_ form that fails has changed nothing", "[vector_fault]") {
    for (const Operation& operation : operations) {
        for (const std::size_t slack : {0UZ, 64UZ, 4096UZ}) {
            std::size_t allowed = 0;
            while (allowed < 20 && !succeeds_with(operation, allowed, slack))
                ++allowed;
            INFO(operation.name << " with " << slack << " bytes of slack");
            CHECK(allowed > 0);
            CHECK(allowed < 20);
        }
    }
}

TEST_CASE("a plain form leaves running out of memory to the allocator", "[vector_fault]") {
    Ledger ledger;
    {
        Vector v({10, 11, 12, 13, 14}, TestAllocator<Tracked>(ledger));
        const Snapshot before(v);
        ledger.allowed = 0;
        CHECK_THROWS_AS(v.push_back(1), OutOfMemory);
        CHECK_THROWS_AS(v.insert(v.begin(), 3, v[0]), OutOfMemory);
        CHECK_THROWS_AS(v.assign(20, 1), OutOfMemory);
        CHECK_THROWS_AS(v.reserve(20), OutOfMemory);
        CHECK_THROWS_AS(v.resize(20), OutOfMemory);
        CHECK_THROWS_AS(v.append_range(v), OutOfMemory);
        CHECK_THROWS_AS(Vector(v), OutOfMemory);
        v.pop_back();
        ledger.resizes = false;
        v.shrink_to_fit();  // there is no smaller block to move to
        v.push_back(14);
        CHECK(Snapshot(v) == before);
    }
    CHECK(ledger.bytes == 0);
    CHECK(Tracked::live == 0);
}

TEST_CASE("near the end of memory, growth takes no more than it needs", "[vector_fault]") {
    Ledger ledger;
    {
        Vector v(100, 1, TestAllocator<Tracked>(ledger));
        ledger.largest = 101 * sizeof(Tracked);
        CHECK(v.try_push_back(1).has_value());
        CHECK(v.capacity() == 101);
        CHECK(v.try_push_back(1).error() == ContainerError::out_of_memory);
    }
    CHECK(ledger.bytes == 0);
}

TEST_CASE("more than max_size() is an error of its own", "[vector_fault]") {
    vector<int> v{1, 2, 3};
    CHECK(v.try_reserve(v.max_size() + 1).error() == ContainerError::too_long);
    CHECK(v.try_resize(SIZE_MAX).error() == ContainerError::too_long);
    CHECK(v.try_insert(v.begin(), SIZE_MAX, 1).error() == ContainerError::too_long);
    CHECK(v.try_insert(v.begin(), v.max_size() - 2, 1).error() == ContainerError::too_long);
    CHECK(v.try_assign(SIZE_MAX, 1).error() == ContainerError::too_long);
    CHECK(v == vector{1, 2, 3});
    CHECK(vector<int>::try_with_capacity(SIZE_MAX).error() == ContainerError::too_long);
    CHECK(to_string(ContainerError::too_long) == "a container cannot have that many elements");
}

TEST_CASE("construction that can fail", "[vector_fault]") {
    Ledger ledger;
    const TestAllocator<Tracked> allocator(ledger);
    const auto some = Vector::try_from_range(vector<int>{1, 2, 3}, allocator);
    REQUIRE(some.has_value());
    CHECK(some->capacity() == 3);
    CHECK(Vector::try_with_capacity(9, allocator)->capacity() == 9);
    ledger.allowed = 0;
    CHECK(!Vector::try_with_capacity(9, allocator));
    CHECK(!Vector::try_from_range(*some, allocator));
    Arguments arguments;
    ledger.allowed = 1;
    CHECK(!Vector::try_from_range(arguments.single_pass(), allocator));
    CHECK(ledger.blocks.size() == 1);
}

}  // namespace
}  // namespace cairn
