// SPDX-License-Identifier: MIT
// `flat_map` and `hash_map` against std::map: the same random operations on both, with an allocator
// that counts and keys and values that notice when they are treated as what they are not.
#include <rapidcheck.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cairn/container/map/map_test_types.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using testing::FlatMap;
using testing::HashMap;
using testing::Ledger;
using testing::number;
using testing::PoorHash;
using testing::Tracked;

template <class Map>
class Pair {
    using Key = typename Map::key_type;
    using Value = typename Map::mapped_type;

  public:
    explicit Pair(Ledger& ledger) : subject_(typename Map::allocator_type(ledger)) {}

    void step() {
        const int key = *rc::gen::inRange(0, 40);
        const int value = *rc::gen::inRange(0, 1000);
        switch (*rc::gen::inRange(0, 10)) {
            case 0:
            case 1:
            case 2: insert(key, value); break;
            case 3: assign(key, value); break;
            case 4:
            case 5: RC_ASSERT(subject_.erase(Key(key)) == model_.erase(key)); break;
            case 6: walk(key); break;
            case 7: copy(); break;
            case 8:
                RC_ASSERT(subject_.try_reserve(static_cast<std::size_t>(key)).has_value());
                break;
            default: look(key);
        }
        check();
    }

  private:
    void insert(int key, int value) {
        const auto [at, is_new] = model_.try_emplace(key, value);
        const auto agrees = [&](auto result) {
            RC_ASSERT(number(result.first->first) == key);
            RC_ASSERT(number(result.first->second) == at->second);
            RC_ASSERT(result.second == is_new);
        };
        switch (*rc::gen::inRange(0, 5)) {
            case 0: agrees(subject_.insert({Key(key), Value(value)})); break;
            case 1: agrees(subject_.emplace(Key(key), value)); break;
            case 2: agrees(*subject_.try_add(Key(key), Value(value))); break;
            case 3: agrees(*subject_.try_insert({Key(key), Value(value)})); break;
            default: {
                const std::pair<const Key, Value> entry(key, value);
                agrees(subject_.insert(entry));
            }
        }
    }
    void assign(int key, int value) {
        model_[key] = value;
        switch (*rc::gen::inRange(0, 3)) {
            case 0: subject_[Key(key)] = value; break;
            case 1: subject_.insert_or_assign(Key(key), Value(value)); break;
            default: RC_ASSERT(subject_.try_insert_or_assign(Key(key), value).has_value());
        }
    }
    /// Removes on the way, sees each entry once.
    void walk(int divisor) {
        const auto goes = [&](int key) { return key % (divisor + 1) == 0; };
        std::multiset<int> seen;
        for (auto at = subject_.begin(); at != subject_.end();) {
            seen.insert(number(at->first));
            at = goes(number(at->first)) ? subject_.erase(at) : std::next(at);
        }
        std::multiset<int> expected;
        for (const auto& entry : model_)
            expected.insert(entry.first);
        RC_ASSERT(seen == expected);
        std::erase_if(model_, [&](const auto& entry) { return goes(entry.first); });
        const auto large = [&](const auto& entry) { return number(entry.second) > 900; };
        RC_ASSERT(erase_if(subject_, large) == std::erase_if(model_, large));
    }
    void copy() {
        auto other = subject_;
        RC_ASSERT(other == subject_);
        other[Key(1000)] = 1;
        RC_ASSERT(other != subject_);
        other.erase(Key(1000));
        switch (*rc::gen::inRange(0, 4)) {
            case 0: subject_ = std::move(other); break;
            case 1: subject_ = other; break;
            case 2: swap(subject_, other); break;
            default: subject_ = *Map::try_from_range(other, subject_.get_allocator());
        }
    }
    void look(int key) {
        const auto found = subject_.find(Key(key));
        const auto expected = model_.find(key);
        RC_ASSERT((found == subject_.end()) == (expected == model_.end()));
        if (expected != model_.end()) RC_ASSERT(number(found->second) == expected->second);
        if constexpr (requires { subject_.lower_bound(Key(key)); }) {
            RC_ASSERT(subject_.lower_bound(Key(key)) - subject_.begin() ==
                      std::distance(model_.begin(), model_.lower_bound(key)));
            RC_ASSERT(subject_.upper_bound(Key(key)) - subject_.begin() ==
                      std::distance(model_.begin(), model_.upper_bound(key)));
        }
    }
    void check() const {
        RC_ASSERT(subject_.size() == model_.size());
        RC_ASSERT(subject_.capacity() >= model_.size());
        std::vector<std::pair<int, int>> entries;
        for (const auto& entry : subject_)
            entries.emplace_back(number(entry.first), number(entry.second));
        if constexpr (requires { typename Map::hasher; }) std::ranges::sort(entries);
        RC_ASSERT((entries == std::vector<std::pair<int, int>>(model_.begin(), model_.end())));
        for (int key = 0; key < 40; ++key)
            RC_ASSERT(subject_.contains(Key(key)) == model_.contains(key));
    }

    Map subject_;
    std::map<int, int> model_;
};

template <class Map>
void behaves_like_std_map() {
    const bool held = rc::check([] {
        Ledger ledger;
        ledger.slack = *rc::gen::element<std::size_t>(0, 0, 400);
        {
            Pair<Map> pair(ledger);
            const int steps = *rc::gen::inRange(1, 100);
            for (int i = 0; i < steps; ++i)
                pair.step();
        }
        RC_ASSERT(ledger.bytes == 0U);
        RC_ASSERT(ledger.errors == 0U);
        RC_ASSERT(Tracked::live == 0);
        RC_ASSERT(Tracked::broken == 0);
    });
    CHECK(held);
}

TEST_CASE("a flat_map of numbers behaves as std::map", "[map_property]") {
    behaves_like_std_map<FlatMap<int, int>>();
}
TEST_CASE("a flat_map of objects behaves as std::map", "[map_property]") {
    behaves_like_std_map<FlatMap<Tracked, Tracked>>();
}
TEST_CASE("a hash_map of numbers behaves as std::map", "[map_property]") {
    behaves_like_std_map<HashMap<int, int>>();
}
TEST_CASE("a hash_map of objects behaves as std::map", "[map_property]") {
    behaves_like_std_map<HashMap<Tracked, Tracked>>();
}
TEST_CASE("a hash_map of a poor hash behaves as std::map", "[map_property]") {
    behaves_like_std_map<HashMap<int, int, PoorHash>>();
    behaves_like_std_map<HashMap<Tracked, Tracked, PoorHash>>();
}

}  // namespace
}  // namespace cairn
