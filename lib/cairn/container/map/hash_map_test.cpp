// SPDX-License-Identifier: MIT
#include "cairn/hash_map.hpp"

#include <cstdint>
#include <iterator>
#include <memory>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/print.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;

using Map = hash_map<int, int>;
static_assert(std::ranges::forward_range<Map> && std::ranges::forward_range<const Map>);
static_assert(std::is_convertible_v<Map::iterator, Map::const_iterator>);
static_assert(!std::is_convertible_v<Map::const_iterator, Map::iterator>);
static_assert(std::is_nothrow_move_constructible_v<Map> && std::is_nothrow_move_assignable_v<Map>);
static_assert(is_trivially_relocatable_v<Map>);

/// Where an entry's home is say the top three bits of its key, whatever the salt: it is not mixed.
struct PlainHash {
    using is_avalanching = void;
    constexpr std::uint64_t operator()(std::uint64_t key) const { return key >> 61 << 61; }
};
using PlainMap = hash_map<std::uint64_t, int, PlainHash>;

/// A key whose home is slot `home` of 8, distinct by `number`.
constexpr std::uint64_t key_at(std::uint64_t home, std::uint64_t number) {
    return home << 61 | number;
}

constexpr bool edits() {
    hash_map<int, vector<int>, seeded_hash<int>> map(seeded_hash<int>(HashSeed{1, 2}));
    for (int i = 0; i < 40; ++i) {
        if (!map.try_add(i, vector<int>{i, i})->second) return false;
    }
    if (map.size() != 40 || map.at(17)[1] != 17 || map.contains(40)) return false;
    auto copy = map;
    for (int i = 0; i < 40; i += 2)
        map.erase(i);
    if (map.size() != 20 || copy.size() != 40 || map == copy) return false;
    if (erase_if(copy, [](const auto& entry) { return entry.first % 2 == 0; }) != 20) return false;
    if (map != copy) return false;
    int sum = 0;
    for (const auto& [key, value] : map)
        sum += value[0];
    map = std::move(copy);
    swap(map, copy);
    map[7].push_back(1);
    return sum == 400 && copy.size() == 20 && map.size() == 1 &&
           map.erase(map.begin()) == map.end();
}
static_assert(edits());

TEST_CASE("a map by hash does the same in constant evaluation", "[hash_map]") {
    CHECK(edits());
}

TEST_CASE("a map by hash prints as a map", "[hash_map]") {
    const hash_map<int, std::string_view> map{{3, "c"}, {3, "d"}};
    FixedBuffer<80> text;
    print(text, "{}", map);
    CHECK(text.view() == R"({3: "c"})");
    CHECK(map == hash_map<int, std::string_view>(from_range, map));
}

TEST_CASE("an empty map has no memory and no entries", "[hash_map]") {
    Map map;
    CHECK(map.empty());
    CHECK(map.capacity() == 0);
    CHECK(map.begin() == map.end());
    CHECK(map.find(1) == map.end());
    CHECK(map.erase(1) == 0);
    map.clear();
    map.reserve(100);
    CHECK(map.capacity() >= 100);
    CHECK(map.begin() == map.end());
    CHECK(Map(map).capacity() == 0);
}

TEST_CASE("a hash_map is copied and moved to another allocator", "[hash_map]") {
    Ledger here;
    Ledger there;
    using Entry = std::pair<const int, std::string>;
    using Counted =
        hash_map<int, std::string, seeded_hash<int>, std::equal_to<>, TestAllocator<Entry>>;
    {
        Counted map(TestAllocator<Entry>{here});
        for (int i = 0; i < 100; ++i)
            map[i] = std::string(40, 'a');
        const Counted copy(map, TestAllocator<Entry>{there});
        CHECK((copy == map && there.bytes == here.bytes));
        const std::size_t requests = here.requests;
        Counted moved(std::move(map), TestAllocator<Entry>{here});
        CHECK((moved == copy && here.requests == requests));
        const Counted away(std::move(moved), TestAllocator<Entry>{there});
        CHECK((away == copy && away.get_allocator() == TestAllocator<Entry>{there}));
    }
    CHECK((here.bytes == 0 && there.bytes == 0 && here.errors == 0 && there.errors == 0));
}

TEST_CASE("what is reserved is enough", "[hash_map]") {
    Ledger ledger;
    using Entry = std::pair<const std::uint64_t, int>;
    using Counted = hash_map<std::uint64_t, int, seeded_hash<std::uint64_t>, std::equal_to<>,
                             TestAllocator<Entry>>;
    Counted map{TestAllocator<Entry>(ledger)};
    map.reserve(1000);
    const std::size_t requests = ledger.requests;
    for (std::uint64_t i = 0; i < map.capacity(); ++i)
        map[i * 4096] = 1;
    CHECK(ledger.requests == requests);
    map[1] = 1;
    CHECK(ledger.requests == requests + 1);
}

TEST_CASE("keys are looked up as whatever hashes and compares like them", "[hash_map]") {
    hash_map<std::string, int> map{{"one", 1}, {"two", 2}};
    CHECK(map.find("two")->second == 2);
    CHECK(map.contains(std::string_view("one")));
    CHECK(map.erase("one") == 1);
    CHECK(map.emplace("three", 3).second);
    CHECK(map["four"] == 0);
    const auto& constant = map;
    CHECK(constant.at(std::string("three")) == 3);
}

/// A hash and an equality that count, and that there are none of by default.
struct CountingHash {
    explicit CountingHash(int& counter) : calls(&counter) {}
    std::uint64_t operator()(int key) const {
        ++*calls;
        return static_cast<std::uint64_t>(key) << 56;
    }
    int* calls;
};
struct SameModulo {
    explicit SameModulo(int number) : modulus(number) {}
    bool operator()(int a, int b) const { return a % modulus == b % modulus; }
    int modulus;
};

TEST_CASE("a map by hash is made of entries, a hash and an equality", "[hash_map]") {
    using Made =
        hash_map<int, int, CountingHash, SameModulo, TestAllocator<std::pair<const int, int>>>;
    int calls = 0;
    Ledger ledger;
    const CountingHash hash(calls);
    const SameModulo equal(256);
    const TestAllocator<std::pair<const int, int>> allocator(ledger);
    const std::vector<std::pair<const int, int>> entries{{1, 10}, {2, 20}, {257, 30}};
    const auto check = [&](const Made& map) {
        CHECK((map.size() == 2 && map.at(1) == 10 && map.at(258) == 20));
        CHECK((map.hash_function().calls == &calls && map.key_eq().modulus == 256));
        CHECK((map.get_allocator() == allocator && ledger.bytes > 0));
        CHECK(std::exchange(calls, 0) > 0);
    };
    check(Made(entries.begin(), entries.end(), hash, equal, allocator));
    check(Made(from_range, entries, hash, equal, allocator));
    check(Made({{1, 10}, {2, 20}, {257, 30}}, hash, equal, allocator));
    CHECK(ledger.bytes == 0);
    const seeded_hash<int> seeded(HashSeed{1, 2});
    const Map kept({{1, 2}}, seeded);
    CHECK(kept.hash_function()(7) == seeded(7));
    CHECK(Map(kept.begin(), kept.end(), seeded) == Map(from_range, kept, seeded));
}

TEST_CASE("keys and values by hash may be what can only be moved", "[hash_map]") {
    hash_map<std::unique_ptr<int>, std::unique_ptr<int>,
             decltype([](const auto& key) { return std::uint64_t(*key); })>
        map;
    for (int i = 0; i < 100; ++i)
        CHECK(map.try_add(std::make_unique<int>(i), std::make_unique<int>(i))->second);
    auto moved = std::move(map);
    CHECK(moved.size() == 100);
    CHECK(map.empty());  // NOLINT: moved from, and therefore empty
    for (const auto& [key, value] : moved)
        CHECK(*key == *value);
}

TEST_CASE("a value may be made of an entry of the map by hash itself", "[hash_map]") {
    hash_map<int, std::string> map;
    map[500] = "a text that is too long to lie within its object";
    for (int i = 0; i < 500; ++i)
        map.emplace(i, map.at(500));
    for (const auto& entry : map)
        CHECK(entry.second == map.at(500));
}

TEST_CASE("a run goes on from the last slot to the first", "[hash_map]") {
    PlainMap map;
    for (const std::uint64_t number : {1U, 2U, 3U})
        map[key_at(7, number)] = 1;  // slots 7, 0, 1
    map[key_at(0, 4)] = 1;           // slot 2
    map[key_at(2, 5)] = 1;           // slot 3
    CHECK(map.size() == 5);
    std::vector<std::uint64_t> order;
    for (const auto& entry : map)
        order.push_back(entry.first);
    CHECK(order ==
          std::vector{key_at(0, 4), key_at(2, 5), key_at(7, 1), key_at(7, 2), key_at(7, 3)});
    CHECK(map.erase(key_at(7, 2)) == 1);
    for (const auto& key : {key_at(7, 1), key_at(7, 3), key_at(0, 4), key_at(2, 5)})
        CHECK(map.contains(key));
    CHECK(!map.contains(key_at(7, 2)));
}

TEST_CASE("a walk that removes sees each entry once", "[hash_map]") {
    for (unsigned homes = 0; homes < 8 * 8 * 8 * 8; ++homes) {
        for (unsigned removed = 0; removed < 16; ++removed) {
            PlainMap map;
            for (unsigned i = 0; i < 4; ++i)
                map[key_at(homes >> (3 * i) & 7, i)] = static_cast<int>(i);
            std::multiset<int> seen;
            for (auto at = map.begin(); at != map.end();) {
                seen.insert(at->second);
                at = (removed >> at->second & 1) != 0 ? map.erase(at) : std::next(at);
            }
            if (seen == std::multiset{0, 1, 2, 3}) continue;
            FAIL("homes " << homes << ", removed " << removed);
        }
    }
}

TEST_CASE("keys that all collide cost time, not correctness or memory", "[hash_map]") {
    hash_map<int, int, decltype([](int) { return std::uint64_t{5}; })> map;
    for (int i = 0; i < 200; ++i)
        map[i] = i;
    CHECK(map.capacity() < 400);
    for (int i = 0; i < 200; i += 2)
        CHECK(map.erase(i) == 1);
    for (int i = 0; i < 200; ++i)
        CHECK(map.contains(i) == (i % 2 == 1));
}

TEST_CASE("a map by hash is assigned what one of its entries has", "[hash_map]") {
    struct Node {
        hash_map<int, Node> kids;
        std::string name;
    };
    const std::string name = "a name that is too long to lie within its object";
    Node node;
    node.kids[1].kids[2].name = name;
    node.kids = std::move(node.kids.at(1).kids);
    CHECK((node.kids.size() == 1 && node.kids.at(2).name == name));
    node.kids.at(2).kids[3].name = name;
    node.kids = std::as_const(node.kids.at(2).kids);
    CHECK((node.kids.size() == 1 && node.kids.at(3).name == name));
}

TEST_CASE("a range of entries is erased, also where the others move", "[hash_map]") {
    for (unsigned homes = 0; homes < 8 * 8 * 8 * 8; ++homes) {
        for (int from = 0; from <= 4; ++from) {
            for (int count = 0; count <= 4 - from; ++count) {
                PlainMap map;
                for (unsigned i = 0; i < 4; ++i)
                    map[key_at(homes >> (3 * i) & 7, i)] = static_cast<int>(i);
                std::vector<int> order;
                for (const auto& entry : map)
                    order.push_back(entry.second);
                const auto first = std::next(map.cbegin(), from);
                const auto next = map.erase(first, std::next(first, count));
                order.erase(order.begin() + from, order.begin() + from + count);
                const auto left = map | std::views::values;
                const bool same = std::multiset<int>(left.begin(), left.end()) ==
                                  std::multiset<int>(order.begin(), order.end());
                if (same && std::distance(next, map.end()) == 4 - from - count) continue;
                FAIL("homes " << homes << ", from " << from << ", count " << count);
            }
        }
    }
}

TEST_CASE("a map by hash can be made smaller", "[hash_map]") {
    Map map;
    map.reserve(1000);
    CHECK(map.bucket_count() == 2048);
    for (int i = 0; i < 10; ++i)
        map[i] = i;
    map.rehash(100);
    CHECK(map.bucket_count() == 128);
    map.shrink_to_fit();
    CHECK(map.bucket_count() == 16);
    CHECK((map.load_factor() > 0.6F && map.load_factor() <= map.max_load_factor()));
    for (int i = 0; i < 10; ++i)
        CHECK(map.at(i) == i);
    map.clear();
    map.shrink_to_fit();
    CHECK((map.bucket_count() == 0 && map.load_factor() == 0));
}

TEST_CASE("unequal allocators of maps by hash are not mixed", "[hash_map]") {
    Ledger here;
    Ledger there;
    using Text = std::pair<const std::string, int>;
    using Texts =
        hash_map<std::string, int, seeded_hash<std::string>, std::equal_to<>, TestAllocator<Text>>;
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
        CHECK(b.empty());  // NOLINT: moved from, and therefore empty
        CHECK(&a.get_allocator().ledger() == &here);
        CHECK(last_words([&] { a.swap(b); }).find("hash_map: swap() between unequal allocators") !=
              std::string::npos);
    }
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
}

TEST_CASE("misuse of a hash_map ends in a sentence", "[hash_map]") {
    Map map{{1, 2}};
    CHECK(last_words([&] {
              (void)map.at(2);
          }).find("hash_map: at() of a key that it does not have") != std::string::npos);
    const Map other{{1, 2}};
    for (const auto& words :
         {last_words([&] { map.erase(map.end()); }), last_words([&] { map.erase(other.begin()); }),
          last_words([&] { map.erase(map.begin(), other.end()); })}) {
        CHECK(words.find("hash_map: a position outside of its elements") != std::string::npos);
        CHECK(words.find("hash_map_test.cpp") != std::string::npos);
    }
    CHECK(map.try_reserve(SIZE_MAX).error() == ContainerError::too_long);
    CHECK(last_words([&] { map.reserve(SIZE_MAX); }).find("hash_map: 18446744073709551615") !=
          std::string::npos);
}

}  // namespace
}  // namespace cairn
