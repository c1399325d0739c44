// SPDX-License-Identifier: MIT
// What std's maps can be given, and of what their entries can be: both maps take it too.
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"
#include "cairn/string.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

/// A key that cannot be copied, and whose address nobody may ask for.
class Ticket {
  public:
    constexpr explicit(false) Ticket(int number) : number_(number) {}
    constexpr Ticket(Ticket&&) = default;
    constexpr Ticket& operator=(Ticket&&) = default;
    void operator&() const = delete;

    constexpr auto operator<=>(const Ticket&) const = default;
    constexpr int number() const { return number_; }

  private:
    int number_;
};

struct HashTicket {
    std::uint64_t operator()(const Ticket& ticket) const {
        return static_cast<std::uint64_t>(ticket.number());
    }
};

template <class Value>
using SortedTickets = flat_map<Ticket, Value>;
template <class Value>
using HashedTickets = hash_map<Ticket, Value, HashTicket>;

TEMPLATE_TEST_CASE("maps: keys and values that can only be moved come as pairs", "[map_arguments]",
                   SortedTickets<std::unique_ptr<int>>, HashedTickets<std::unique_ptr<int>>) {
    TestType map;
    using Pair = std::pair<Ticket, std::unique_ptr<int>>;
    CHECK(map.insert(Pair(3, std::make_unique<int>(30))).second);
    CHECK(map.emplace(Pair(1, std::make_unique<int>(10))).second);
    CHECK(map.emplace(std::pair(2, std::make_unique<int>(20))).second);
    CHECK(!map.insert(Pair(2, nullptr)).second);
    map.insert(map.begin(), Pair(4, std::make_unique<int>(40)));
    for (int i = 5; i < 40; ++i)
        map[i] = std::make_unique<int>(10 * i);
    CHECK(map.size() == 39);
    for (const auto& [key, value] : map)
        CHECK(*value == 10 * key.number());
    map.erase(map.find(7));
    TestType moved;
    moved = std::move(map);
    CHECK((moved.size() == 38 && !moved.contains(7)));

    std::vector<std::pair<int, std::unique_ptr<int>>> others;
    others.emplace_back(50, std::make_unique<int>(500));
    moved.insert(std::move_iterator(others.begin()), std::move_iterator(others.end()));
    CHECK(*moved.at(50) == 500);
}

TEMPLATE_TEST_CASE("maps: ranges of other things are no argument", "[map_arguments]",
                   (flat_map<int, int>), (hash_map<int, int>)) {
    using Foreign = std::span<std::string_view>;
    static_assert(!std::is_constructible_v<TestType, from_range_t, Foreign>);
    static_assert(!std::is_constructible_v<TestType, std::string_view*, std::string_view*>);
    static_assert(!requires(TestType map) { map.insert_range(Foreign()); });
    static_assert(!requires(TestType map) { map.insert(1.0); });
    CHECK(TestType().empty());
}

/// Ordered by its length, also against a length.
struct ByLength {
    using is_transparent = void;
    static std::size_t length(std::string_view text) { return text.size(); }
    static std::size_t length(std::size_t number) { return number; }
    bool operator()(const auto& a, const auto& b) const { return length(a) < length(b); }
};

TEST_CASE("flat_map: a number that is no key is looked up as it is", "[map_arguments]") {
    flat_map<string, int, ByLength> map{{"a", 1}, {"bcd", 3}};
    CHECK((map.contains(std::size_t{3}) && !map.contains(std::size_t{2})));
    CHECK(map.lower_bound(std::size_t{2})->second == 3);
}

TEST_CASE("flat_map: is made with an order, an allocator, or both", "[map_arguments]") {
    using Map = flat_map<int, int, std::greater<>>;
    const std::pair<const int, int> entries[] = {{1, 10}, {3, 30}, {2, 20}};
    const Map map(std::begin(entries), std::end(entries), std::greater<>());
    CHECK((map.size() == 3 && map.begin()->first == 3));
    CHECK(map == Map({{1, 10}, {2, 20}, {3, 30}}, std::greater<>(), map.get_allocator()));
    CHECK(map == Map(from_range, entries, std::greater<>()));
    const Map copy(map, map.get_allocator());
    Map moved(Map(copy), map.get_allocator());
    CHECK((moved == map && copy == map));
}

TEMPLATE_TEST_CASE("maps: keys and values may be called const", "[map_arguments]",
                   (flat_map<const int, const int>), (hash_map<const int, const int>)) {
    TestType map;
    map.insert({1, 10});
    map.try_emplace(2, 20);
    CHECK(map.erase(1) == 1);
    CHECK((map.at(2) == 20 && map.size() == 1));
}

}  // namespace
}  // namespace cairn
