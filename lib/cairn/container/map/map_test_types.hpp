// SPDX-License-Identifier: MIT
// For the tests of maps: hashes for numbers that notice (Tracked), good ones and poor ones, and the
// maps to be tested with them.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"

namespace cairn::testing {

inline int number(int value) {
    return value;
}
inline int number(const Tracked& value) {
    return value.value();
}

struct GoodHash {
    seeded_hash<int> hash;
    std::uint64_t operator()(const auto& key) const { return hash(number(key)); }
};
/// Three homes at the ends of any table, for many runs that go on from the last slot to the first.
struct PoorHash {
    using is_avalanching = void;  // though it is not, so that it is not mixed

    std::uint64_t operator()(const auto& key) const {
        return ~std::uint64_t{0} << 61 << number(key) % 3;
    }
};

template <class Key, class Value>
using EntryAllocator = TestAllocator<std::pair<const Key, Value>>;
template <class Key, class Value>
using FlatMap = flat_map<Key, Value, std::less<>, EntryAllocator<Key, Value>>;
template <class Key, class Value, class Hash = GoodHash>
using HashMap = hash_map<Key, Value, Hash, std::equal_to<>, EntryAllocator<Key, Value>>;

}  // namespace cairn::testing
