// SPDX-License-Identifier: MIT
// What operations of hash_map cost, counted: how often a slot's hash is looked at. Each case here
// is a loop that a user writes and expects to be linear.
#include <cstdint>
#include <utility>
#include <vector>

#include "cairn/hash_map.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

enum class Id : std::uint32_t {};
using Entry = std::pair<const Id, int>;

/// The hash of a slot, and how often it was read in all.
struct CountedHash {
    static inline std::uint64_t reads = 0;

    constexpr CountedHash(std::uint32_t hash) : value(hash) {}  // NOLINT: implicit
    operator std::uint32_t() const {                            // NOLINT: implicit
        ++reads;
        return value;
    }
    std::uint32_t value;
};

}  // namespace

template <>
struct HashSlot<Entry> {
    static constexpr std::uint32_t free = UINT32_MAX;

    HashSlot() noexcept {}
    HashSlot(const HashSlot&) = delete;
    HashSlot& operator=(const HashSlot&) = delete;
    ~HashSlot() {}

    CountedHash hash = free;
    union {
        Entry entry;
    };
};

namespace {

struct UnseededHash {
    std::uint64_t operator()(Id id) const { return static_cast<std::uint64_t>(id); }
};
/// Multiples of a power of two.
struct StepHash {
    using is_avalanching = std::false_type;
    unsigned bits = 0;
    std::uint64_t operator()(Id id) const { return static_cast<std::uint64_t>(id) << bits; }
};
/// Many runs that go on from the last slot to the first.
struct PoorHash {
    using is_avalanching = void;  // though it is not, so that it is not mixed

    std::uint64_t operator()(Id id) const {
        return ~std::uint64_t{0} << 61 << static_cast<std::uint32_t>(id) % 3;
    }
};
using Map = hash_map<Id, int>;
using UnseededMap = hash_map<Id, int, UnseededHash>;

constexpr std::uint32_t many = 20'000;
/// How many slots a linear loop may look at for each of `many` entries or for each slot.
constexpr std::uint64_t few = 30;

template <class AnyMap>
void fill(AnyMap& map) {
    for (std::uint32_t i = 0; i < many; ++i)
        map.emplace(Id{i}, 1);
}

template <class Action>
std::uint64_t reads_of(Action action) {
    const std::uint64_t before = CountedHash::reads;
    action();
    return CountedHash::reads - before;
}

TEMPLATE_TEST_CASE("to take the first entry until there is none is linear", "[map_cost]", Map,
                   UnseededMap) {
    TestType map;
    fill(map);
    CHECK(reads_of([&] {
              while (!map.empty())
                  map.erase(map.begin());
          }) < few * many);
    fill(map);
    CHECK(reads_of([&] {
              while (!map.empty())
                  map.erase(map.begin()->first);
          }) < few * many);
    fill(map);
    CHECK(reads_of([&] {
              while (map.begin() != map.end())
                  map.erase(std::as_const(map).begin()->first);
          }) < few * many);
}

TEST_CASE("one in and one out of a map with much room costs nothing of that room", "[map_cost]") {
    Map map;
    map.reserve(1 << 20);
    CHECK(reads_of([&] {
              for (std::uint32_t i = 0; i < 1000; ++i) {
                  map.emplace(Id{i}, 1);
                  map.erase(Id{i});
              }
              for (std::uint32_t i = 0; i < 1000; ++i) {
                  map.erase(map.emplace(Id{i}, 1).first);
                  map.clear();
              }
              for (std::uint32_t i = 0; i < 1000; ++i) {
                  map.emplace(Id{i}, 1);
                  map.erase(map.begin());
              }
          }) < few * 3000);
    for (std::uint32_t i = 0; i < 10; ++i)
        map.emplace(Id{i}, 1);
    CHECK(reads_of([&] {
              for (std::uint32_t i = 0; i < 1000; ++i) {
                  map.emplace(Id{100 + i}, 1);
                  map.erase(Id{100 + i});
              }
          }) < few * 1000);
}

TEMPLATE_TEST_CASE("to insert one map's entries into another is linear", "[map_cost]", Map,
                   UnseededMap) {
    const TestType prototype;
    TestType one(prototype);
    TestType other(prototype);
    fill(one);
    const auto insert_all = [](TestType& into, const TestType& from) {
        return reads_of([&] {
            for (const auto& entry : from)
                into.insert(entry);
        });
    };
    CHECK(insert_all(other, one) < few * many);  // two copies of an empty map
    TestType old(std::move(one));
    CHECK(insert_all(one, old) < few * many);  // what was moved from
    TestType copy(old);
    TestType fresh;
    CHECK(insert_all(fresh, copy) < few * many);  // two that are not related
    fresh = TestType();
    fresh = copy;
    TestType third = fresh;
    third.clear();
    third.shrink_to_fit();
    CHECK(insert_all(third, fresh) < few * many);  // assigned, and a copy of that
    old = std::move(fresh);
    CHECK(insert_all(fresh, old) < few * many);
    CHECK((old == third && old == fresh));
}

TEST_CASE("numbers in a row are filled in and copied in linear time, whatever the salts",
          "[map_cost]") {
    constexpr std::uint32_t count = 5'000;
    using StepMap = hash_map<Id, int, StepHash>;
    for (unsigned bits : {0U, 3U, 12U, 32U, 44U}) {
        for (int round = 0; round < 40; ++round) {
            StepMap one{StepHash{bits}};
            StepMap other{StepHash{bits}};
            const std::uint64_t reads = reads_of([&] {
                for (std::uint32_t i = 0; i < count; ++i)
                    one.emplace(Id{i}, 1);
                for (const auto& entry : one)
                    other.insert(entry);
            });
            if (reads >= 2 * few * count) FAIL(reads << " looks, steps of 2^" << bits);
        }
    }
}

TEMPLATE_TEST_CASE("a walk finds the first entry wherever it has come to stand", "[map_cost]", Map,
                   (hash_map<Id, int, PoorHash>)) {
    TestType map;
    std::uint64_t random = 1;
    for (int step = 0; step < 20'000; ++step) {
        random = random * 6364136223846793005 + 1442695040888963407;
        const auto id = Id{static_cast<std::uint32_t>(random >> 59)};
        switch (random >> 40 & 7) {
            case 0:
            case 1:
            case 2: map.emplace(id, 1); break;
            case 3: map.erase(id); break;
            case 4:
                if (!map.empty()) map.erase(map.begin());
                break;
            case 5:
                if ((random >> 50 & 15) == 0) map.clear();
                if ((random >> 50 & 15) == 1) map.shrink_to_fit();
                break;
            default: break;
        }
        std::size_t walked = 0;
        for (const auto& entry : map)
            walked += static_cast<std::size_t>(entry.second);
        if (walked != map.size()) FAIL(walked << " of " << map.size() << " at step " << step);
    }
}

}  // namespace
}  // namespace cairn
