// SPDX-License-Identifier: MIT
#include "cairn/flat_map.hpp"

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;

using Map = flat_map<int, int>;
static_assert(std::ranges::contiguous_range<Map>);
static_assert(std::is_nothrow_move_constructible_v<Map> && std::is_nothrow_move_assignable_v<Map>);
static_assert(std::is_copy_assignable_v<Map>);
static_assert(std::is_same_v<Map::iterator, std::pair<const int, int>*>);
static_assert(sizeof(Map) == 3 * sizeof(void*));
static_assert(is_trivially_relocatable_v<Map>);

/// Not trivial, and usable in constant evaluation.
struct Name {
    constexpr Name() = default;
    constexpr Name(const char* text) : letters(from_range, std::string_view(text)) {}  // NOLINT
    vector<char> letters;
    constexpr auto operator<=>(const Name&) const = default;
};

template <class Key, class Value>
constexpr bool edits(Key a, Key b, Key c, Value x, Value y) {
    flat_map<Key, Value> map;
    if (!map.insert({b, x}).second || map.insert({b, y}).second) return false;
    if (!map.try_add(c, y)->second || !map.try_insert_or_assign(a, x)->second) return false;
    if (map.size() != 3 || map.begin()->first != a || map[b] != x || map.at(c) != y) return false;
    map[b] = y;
    map.insert_or_assign(a, y);
    if (map.at(a) != y || !map.contains(c) || map.count(a) != 1) return false;
    auto copy = map;
    if (map.erase(b) != 1 || map.erase(b) != 0 || copy.size() != 3 || copy == map) return false;
    if (map.find(b) != map.end() || map.lower_bound(b)->first != c) return false;
    if (map.upper_bound(a) != map.find(c)) return false;
    map = copy;
    swap(map, copy);
    const bool all = erase_if(map, [&](const auto& entry) { return entry.first != b; }) == 2;
    copy = std::move(map);
    return all && copy.size() == 1 && copy.erase(copy.begin()) == copy.end() && copy.empty();
}
static_assert(edits(1, 2, 3, 10, 20));
static_assert(edits<std::string_view, Name>("a", "b", "c", "x", "y"));
static_assert(edits<Name, Name>("a", "b", "c", "x", "y"));

TEST_CASE("a sorted map does the same in constant evaluation", "[flat_map]") {
    CHECK(edits(1, 2, 3, 10, 20));
    CHECK(edits<Name, Name>("a", "b", "c", "x", "y"));
    CHECK(edits<std::string, std::string>("a", "b", "c", "x", "y"));
}

TEST_CASE("entries are in the order of their keys, and print as a map", "[flat_map]") {
    const flat_map<int, std::string_view> map{{3, "c"}, {1, "a"}, {2, "b"}, {1, "z"}};
    FixedBuffer<80> text;
    print(text, "{}", map);
    CHECK(text.view() == R"({1: "a", 2: "b", 3: "c"})");
    const flat_map<int, std::string_view> same(from_range, map);
    CHECK(map == same);
}

TEST_CASE("keys are compared with whatever has an order with them", "[flat_map]") {
    flat_map<std::string, int> map{{"one", 1}, {"two", 2}};
    CHECK(map.find("two")->second == 2);
    CHECK(map.contains(std::string_view("one")));
    CHECK(map.erase("one") == 1);
    CHECK(map.emplace("three", 3).second);
    CHECK(map["four"] == 0);
    const auto& constant = map;
    CHECK(constant.at(std::string("three")) == 3);
    CHECK(constant.lower_bound("g") == constant.find("three"));
}

TEST_CASE("a number is made a key before it is looked for", "[flat_map]") {
    flat_map<std::uint32_t, int> map;
    map[0xffff'ffff] = 1;
    CHECK(!map.contains(0x1'ffff'fffe));
    CHECK(map.contains(std::uint64_t{0xffff'ffff}));
    flat_map<std::int64_t, int> wide;
    wide[-1] = 1;
    CHECK(!wide.contains(0xffff'ffffU));
    CHECK(wide.contains(-1));
}

TEST_CASE("keys and values may be what can only be moved", "[flat_map]") {
    flat_map<std::unique_ptr<int>, std::unique_ptr<int>> map;
    for (int i = 0; i < 20; ++i)
        REQUIRE(map.try_add(std::make_unique<int>(i), std::make_unique<int>(i)).has_value());
    CHECK(map.size() == 20);
    auto moved = std::move(map);
    for (const auto& [key, value] : moved)
        CHECK(*key == *value);
    const auto first = moved.begin();
    moved.erase(first);
    CHECK(moved.size() == 19);
}

TEST_CASE("an entry that is there keeps its value and the arguments", "[flat_map]") {
    flat_map<int, std::unique_ptr<int>> map;
    map.emplace(1, std::make_unique<int>(5));
    auto other = std::make_unique<int>(6);
    CHECK(!map.emplace(1, std::move(other)).second);
    CHECK(!map.try_add(1, std::move(other))->second);
    CHECK(other != nullptr);
    CHECK(!map.insert_or_assign(1, std::move(other)).second);
    CHECK(*map.at(1) == 6);
}

TEST_CASE("a value may be made of an entry of the map itself", "[flat_map]") {
    flat_map<int, std::string> map;
    map[50] = "a text that is too long to lie within its object";
    for (int i = 0; i < 50; ++i)
        map.emplace(i, map.at(50));
    for (const auto& entry : map)
        CHECK(entry.second == map.at(50));
}

TEST_CASE("unequal allocators are not mixed", "[flat_map]") {
    Ledger here;
    Ledger there;
    using Text = std::pair<const std::string, int>;
    using Texts = flat_map<std::string, int, std::less<>, TestAllocator<Text>>;
    {
        Texts a{TestAllocator<Text>(here)};
        Texts b{TestAllocator<Text>(there)};
        for (int i = 0; i < 10; ++i)
            a["a key that is too long to lie within its object " + std::to_string(i)] = i;
        b = a;
        CHECK(b == a);
        b["more"] = 1;
        a = std::move(b);
        CHECK(a.size() == 11);
        CHECK(b.empty());
        CHECK(&a.get_allocator().ledger() == &here);
    }
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
}

TEST_CASE("a flat_map is assigned what one of its entries has", "[flat_map]") {
    struct Node {
        flat_map<int, Node> kids;
        std::string name;
    };
    const std::string name = "a name that is too long to lie within its object";
    Node node;
    node.kids[1].kids[2].name = name;
    node.kids = std::move(node.kids.at(1).kids);
    CHECK((node.kids.size() == 1 && node.kids.at(2).name == name));
}

/// Its entries are in the order that its state says.
struct Directed {
    using is_transparent = void;
    std::shared_ptr<int> sign = std::make_shared<int>(1);
    bool operator()(int a, int b) const { return a * *sign < b * *sign; }
};

TEST_CASE("a flat_map with a comparison of its own takes what one of its entries has",
          "[flat_map]") {
    struct Node {
        flat_map<int, Node, Directed> kids;
        int value = 0;
    };
    Node node;
    node.kids[1].kids[2].value = 3;
    node.kids[1].kids[4].value = 5;
    node.kids = std::move(node.kids.at(1).kids);
    CHECK((node.kids.size() == 2 && node.kids.at(2).value == 3 && node.kids.contains(4)));
}

TEST_CASE("a flat_map's ranges are where std's are", "[flat_map]") {
    const Map map{{1, 10}, {5, 50}, {9, 90}};
    const std::map<int, int> model(map.begin(), map.end());
    for (int key = 0; key <= 10; ++key) {
        const auto [first, last] = map.equal_range(key);
        const auto expected = model.equal_range(key);
        CHECK(first - map.begin() == std::distance(model.begin(), expected.first));
        CHECK(last - map.begin() == std::distance(model.begin(), expected.second));
        CHECK(map.count(key) == model.count(key));
    }
}

TEST_CASE("a flat_map whose comparison makes no sense keeps what it has", "[flat_map]") {
    flat_map<int, int, std::less_equal<>> map{{1, 10}, {2, 20}, {3, 30}};
    for (int key = 0; key < 5; ++key) {
        CHECK(map.count(key) <= 1);
        CHECK(map.equal_range(key).first <= map.equal_range(key).second);
        CHECK(map.erase(key) <= 1);
    }
    CHECK(map.size() <= 3);
}

/// Compares texts, and a letter with what a text begins with.
struct ByFirst {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a < b; }
    bool operator()(std::string_view a, char b) const { return a.front() < b; }
    bool operator()(char a, std::string_view b) const { return a < b.front(); }
};

TEST_CASE("several keys of a flat_map may be what is looked for", "[flat_map]") {
    flat_map<std::string, int, ByFirst> map{{"a", 1}, {"b1", 2}, {"b2", 3}, {"b3", 4}, {"c", 5}};
    CHECK(map.count('b') == 3);
    CHECK(map.equal_range('b') == std::pair(map.begin() + 1, map.begin() + 4));
    CHECK(map.find('b')->second == 2);
    CHECK(map.erase('b') == 3);
    CHECK(map.erase('b') == 0);
    CHECK(map == decltype(map){{"a", 1}, {"c", 5}});
}

TEST_CASE("misuse of a flat_map ends in a sentence", "[flat_map]") {
    Map map{{1, 2}};
    CHECK(last_words([&] {
              (void)map.at(2);
          }).find("flat_map: at() of a key that it does not have") != std::string::npos);
    CHECK(last_words([&] {
              map.erase(map.end());
          }).find("flat_map: a position outside of its elements") != std::string::npos);
}

}  // namespace
}  // namespace cairn
