// SPDX-License-Identifier: MIT
// `flat_map` and `hash_map` without memory: every operation is run with its first, second ...
// request refused, until it succeeds; each time before, nothing may have changed.
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/container/map/map_test_types.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::FlatMap;
using testing::HashMap;
using testing::Ledger;
using testing::OutOfMemory;
using testing::Tracked;

struct Arguments {
    Tracked key = 70;
    Tracked value = 77;
};

template <class Map>
struct Operation {
    std::string_view name;
    bool (*run)(Map& map, Arguments& with);  // whether it succeeded
    std::size_t added;
};

template <class Map>
constexpr Operation<Map> operations[] = {
    {"try_insert",
     [](auto& map, auto& with) { return map.try_insert({with.key, with.value}).has_value(); }, 1},
    {"try_add, moving",
     [](auto& map, auto& with) {
         return map.try_add(std::move(with.key), std::move(with.value)).has_value();
     },
     1},
    {"try_add of an entry's value",
     [](auto& map, auto& with) { return map.try_add(with.key, map.begin()->second).has_value(); },
     1},
    {"try_add of a key that is there",
     [](auto& map, auto&) { return map.try_add(2, 5).has_value(); }, 0},
    {"try_insert_or_assign, moving",
     [](auto& map, auto& with) {
         return map.try_insert_or_assign(std::move(with.key), std::move(with.value)).has_value();
     },
     1},
    {"try_reserve", [](auto& map, auto&) { return map.try_reserve(1000).has_value(); }, 0},
    {"try_from_range",
     [](auto& map, auto&) { return Map::try_from_range(map, map.get_allocator()).has_value(); }, 0},
};

/// The entries of a map, where they are and how many fit, to see that none of that changed.
template <class Map>
struct Snapshot {
    explicit Snapshot(const Map& map) : capacity(map.capacity()) {
        for (const auto& entry : map) {
            values.emplace_back(entry.first.value(), entry.second.value());
            places.push_back(&entry);
        }
    }
    bool operator==(const Snapshot&) const = default;
    std::size_t capacity;
    std::vector<std::pair<int, int>> values;
    std::vector<const void*> places;
};

/// Runs `operation` on a full map with `allowed` requests granted; whether it succeeded.
template <class Map>
bool succeeds_with(const Operation<Map>& operation, std::size_t allowed, std::size_t slack) {
    Ledger ledger;
    ledger.slack = slack;
    bool succeeded = false;
    {
        Map map{typename Map::allocator_type(ledger)};
        for (int i = 0; map.size() < 6 || map.size() < map.capacity(); ++i)
            map.emplace(2 * i, i);
        Arguments arguments;
        const Snapshot before(map);
        const std::size_t size = map.size();
        const long live = Tracked::live;
        const std::size_t bytes = ledger.bytes;
        ledger.allowed = allowed;
        succeeded = operation.run(map, arguments);
        if (succeeded) {
            CHECK(map.size() == size + operation.added);
        } else {
            CHECK(Snapshot(map) == before);
            CHECK(Tracked::live == live);
            CHECK(ledger.bytes == bytes);
            CHECK(arguments.key.value() == 70);
            CHECK(arguments.value.value() == 77);
        }
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    CHECK(Tracked::live == 0);
    CHECK(Tracked::broken == 0);
    return succeeded;
}

template <class Map>
void fails_without_a_trace() {
    for (const Operation<Map>& operation : operations<Map>) {
        for (const std::size_t slack : {0UZ, 64UZ, 4096UZ}) {
            std::size_t allowed = 0;
            while (allowed < 20 && !succeeds_with(operation, allowed, slack))
                ++allowed;
            INFO(operation.name << " with " << slack << " bytes of slack");
            CHECK((allowed > 0 || operation.name.ends_with("is there")));
            CHECK(allowed < 20);
        }
    }
}

TEST_CASE("a try_ form of flat_map that fails has changed nothing", "[map_fault]") {
    fails_without_a_trace<FlatMap<Tracked, Tracked>>();
}
TEST_CASE("a try_ form of hash_map that fails has changed nothing", "[map_fault]") {
    fails_without_a_trace<HashMap<Tracked, Tracked>>();
}

template <class Map>
void leaves_it_to_the_allocator() {
    Ledger ledger;
    {
        Map map{typename Map::allocator_type(ledger)};
        for (int i = 0; map.size() < 6 || map.size() < map.capacity(); ++i)
            map.emplace(2 * i, i);
        const Snapshot before(map);
        const Map other = map;
        ledger.allowed = 0;
        CHECK_THROWS_AS(map.emplace(1, 1), OutOfMemory);
        CHECK_THROWS_AS(map.insert({1, 1}), OutOfMemory);
        CHECK_THROWS_AS(map.insert_or_assign(1, 1), OutOfMemory);
        CHECK_THROWS_AS(map[Tracked(1)], OutOfMemory);
        CHECK_THROWS_AS(map.reserve(1000), OutOfMemory);
        CHECK_THROWS_AS(Map(map), OutOfMemory);
        CHECK(Snapshot(map) == before);
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
    CHECK(Tracked::live == 0);
}

TEST_CASE("a plain form of a map leaves running out of memory to the allocator", "[map_fault]") {
    leaves_it_to_the_allocator<FlatMap<Tracked, Tracked>>();
    leaves_it_to_the_allocator<HashMap<Tracked, Tracked>>();
}

}  // namespace
}  // namespace cairn
