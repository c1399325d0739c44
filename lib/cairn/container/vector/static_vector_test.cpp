// SPDX-License-Identifier: MIT
#include "cairn/static_vector.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cairn/container/container_test_allocator.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Tracked;

static_assert(std::ranges::contiguous_range<static_vector<int, 3>>);
static_assert(std::is_trivially_copyable_v<static_vector<int, 3>>);
static_assert(std::is_copy_constructible_v<static_vector<std::string, 3>>);
static_assert(!std::is_copy_constructible_v<static_vector<std::unique_ptr<int>, 3>>);
static_assert(std::is_nothrow_move_constructible_v<static_vector<std::unique_ptr<int>, 3>>);
static_assert(std::is_nothrow_move_assignable_v<static_vector<std::unique_ptr<int>, 3>>);

constexpr bool edits() {
    static_vector<int, 6> v{1, 2, 3};
    v.push_back(4);
    if (v.try_insert(v.begin() + 1, v[3]) != v.begin() + 1) return false;
    if (v != static_vector<int, 6>{1, 4, 2, 3, 4}) return false;
    v.erase(v.begin(), v.begin() + 2);
    v.erase(v.begin() + 1);
    if (v.front() != 2 || v.back() != 4 || v.size() != 2) return false;
    if (v.try_resize(7) || !v.try_resize(5) || v[4] != 0) return false;
    if (v.try_append_range(std::array{1, 2}) || v.size() != 5) return false;
    const auto copy = v;
    v.pop_back();
    return v < copy && v.try_append_range(std::array{1, 2}) && v.full();
}
static_assert(edits());

TEST_CASE("a full static_vector refuses, and keeps what it has", "[static_vector]") {
    CHECK(edits());
    static_vector<int, 3> values;
    CHECK(values.empty());
    CHECK(values.capacity() == 3);
    for (const int value : {1, 2, 3})
        REQUIRE(values.try_push_back(value));
    CHECK(!values.try_push_back(4));
    CHECK(!values.try_insert(values.begin(), 4));
    CHECK(std::ranges::equal(values, std::array{1, 2, 3}));
    values[1] = 5;
    const std::span<const int> seen = values;
    CHECK(seen.size() == 3);
    CHECK(seen[1] == 5);
    const static_vector<int, 3> copy = values;
    values.clear();
    CHECK(values.empty());
    CHECK(std::ranges::equal(copy, std::array{1, 5, 3}));
    REQUIRE(values.try_push_back(9));
    CHECK(values.end() - values.begin() == 1);
}

TEST_CASE("elements may be anything that moves", "[static_vector]") {
    static_vector<std::unique_ptr<int>, 2> owners;
    owners.push_back(std::make_unique<int>(1));
    owners.emplace_back(new int(2));
    auto third = std::make_unique<int>(3);
    CHECK(!owners.try_push_back(std::move(third)));
    CHECK(third != nullptr);
    auto moved = std::move(owners);
    CHECK(*moved.back() == 2);
    moved.erase(moved.begin());
    CHECK(*moved.front() == 2);
}

TEST_CASE("misuse of a static_vector ends in a sentence", "[static_vector]") {
    static_vector<int, 2> v{1, 2};
    const auto says = [](const std::string& words, const char* what) {
        return words.find(what) != std::string::npos;
    };
    CHECK(says(last_words([&] { v.push_back(3); }),
               "static_vector: 3 elements wanted, at most 2 possible"));
    CHECK(says(last_words([&] { v[2] = 0; }), "static_vector: index 2 of 2 elements"));
    CHECK(says(last_words([&] { v.erase(v.end()); }),
               "static_vector: a position outside of its elements"));
    v.clear();
    CHECK(says(last_words([&] { v.pop_back(); }), "static_vector: pop_back() of no elements"));
}

/// One random operation on both.
void step(static_vector<Tracked, 8>& subject, std::vector<int>& model) {
    const int value = *rc::gen::inRange(0, 1000);
    const auto place = *rc::gen::inRange<std::size_t>(0, model.size() + 1);
    const auto at = static_cast<std::ptrdiff_t>(place);
    switch (*rc::gen::inRange(0, 6)) {
        case 0:
            RC_ASSERT((subject.try_emplace_back(value) != nullptr) == (model.size() < 8));
            if (model.size() < 8) model.push_back(value);
            break;
        case 1:
            RC_ASSERT((subject.try_insert(subject.begin() + at, value) != nullptr) ==
                      (model.size() < 8));
            if (model.size() < 8) model.insert(model.begin() + at, value);
            break;
        case 2: {
            const auto first = *rc::gen::inRange<std::ptrdiff_t>(0, at + 1);
            subject.erase(subject.begin() + first, subject.begin() + at);
            model.erase(model.begin() + first, model.begin() + at);
            break;
        }
        case 3: {
            const std::vector<int> more(place, value);
            const bool fits = model.size() + place <= 8;
            RC_ASSERT(subject.try_append_range(more) == fits);
            if (fits) model.insert(model.end(), more.begin(), more.end());
            break;
        }
        case 4: {
            auto copy = subject;
            subject.clear();
            subject = std::move(copy);
            break;
        }
        default: RC_ASSERT(subject.try_resize(place)); model.resize(place);
    }
}

TEST_CASE("a static_vector is assigned what one of its elements has", "[static_vector]") {
    struct Node {
        static_vector<std::unique_ptr<Node>, 2> kids;
        int name = 0;
    };
    Node node;
    node.kids.push_back(std::make_unique<Node>());
    node.kids[0]->kids.push_back(std::make_unique<Node>());
    node.kids[0]->kids[0]->name = 7;
    node.kids = std::move(node.kids[0]->kids);
    CHECK((node.kids.size() == 1 && node.kids[0]->name == 7));
}

/// Every form of std::vector's that changes, as both do it.
template <class Vector>
std::vector<std::string> through_all_forms() {
    const std::vector<std::string> more{"x", "y"};
    Vector v(2, "two");
    v.assign({"a", "b", "c"});
    v.insert(v.begin() + 1, v[2]);
    v.insert(v.end(), 2, v[0]);
    v.insert(v.begin(), more.begin(), more.end());
    v.insert(v.begin() + 3, {"in", "braces"});
    v.emplace(v.begin(), 3, 'e');
    v.resize(v.size() + 1);
    v.resize(v.size() + 1, "end");
    v.erase(v.begin() + 1);
    v.insert(v.begin(), "first");
    Vector other(more.begin(), more.end());
    other.reserve(2);
    v.swap(other);
    v.push_back("pushed");
    v.emplace_back(2, 'p');
    other.insert(other.end(), v.rbegin(), v.rend());
    v.assign(2, v[1]);
    other.insert(other.begin(), v.cbegin(), v.cend());
    other.at(3) += "!";
    erase(other, "y");
    erase_if(other, [](const std::string& each) { return each == "in"; });
    v = {"last"};
    swap(v, other);
    v.insert(v.end(), other.begin(), other.end());
    v.shrink_to_fit();
    return {v.begin(), v.end()};
}

TEST_CASE("every form of std::vector's does what that does", "[static_vector]") {
    CHECK(through_all_forms<static_vector<std::string, 30>>() ==
          through_all_forms<std::vector<std::string>>());
    static_vector<int, 4> v(from_range, std::array{1, 2});
    v.insert_range(v.begin() + 1, std::array{3, 4});
    CHECK(v == static_vector<int, 4>{1, 3, 4, 2});
    CHECK(!v.try_insert_range(v.begin(), std::array{1}));
    CHECK(!v.try_insert(v.begin(), 1, 5));
    CHECK(!v.try_emplace(v.begin(), 5));
    CHECK(v.try_insert(v.begin() + 1, 0, 5) == v.begin() + 1);
    CHECK(static_vector<int, 4>(3).size() == 3);
}

TEST_CASE("a wrong position in a static_vector names the caller", "[static_vector]") {
    static_vector<int, 4> v{1, 2, 3};
    static_vector<int, 4> other{4};
    for (const auto& words : {last_words([&] { (void)v.try_insert(other.begin(), 1); }),
                              last_words([&] { (void)v.try_insert(v.end() + 1, 1); }),
                              last_words([&] { v.insert(other.begin(), 1); }),
                              last_words([&] { v.emplace(other.begin(), 1); }),
                              last_words([&] { v.insert(other.begin(), 0, 1); }),
                              last_words([&] { v.insert(other.begin(), {1}); }),
                              last_words([&] { v.erase(other.begin()); }),
                              last_words([&] { v.erase(v.end(), v.begin()); })}) {
        CHECK(words.find("static_vector: a position outside of its elements") != std::string::npos);
        CHECK(words.find("static_vector_test.cpp") != std::string::npos);
    }
    CHECK(last_words([&] { v.insert(v.begin(), 2, 1); }).find("at most 4 possible") !=
          std::string::npos);
}

/// Has no <=> of its own.
struct Ordered {
    int value = 0;
    bool operator==(const Ordered& other) const { return value == other.value; }
    bool operator<(const Ordered& other) const { return value < other.value; }
};

TEST_CASE("static_vector: compares as std's does, and takes no foreign elements",
          "[static_vector]") {
    const static_vector<Ordered, 3> a{{1}, {2}};
    const static_vector<Ordered, 3> b{{1}, {3}};
    CHECK((a <=> b) == std::weak_ordering::less);
    CHECK((a < b && a != b && b > a));
    using Numbers = static_vector<int, 3>;
    static_assert(noexcept(Numbers().size()) && noexcept(Numbers().clear()));
    static_assert(noexcept(Numbers().begin()) && noexcept(Numbers().data()));
    using Foreign = std::span<std::nullptr_t>;
    static_assert(!std::is_constructible_v<Numbers, from_range_t, Foreign>);
    static_assert(![](auto v) { return requires { v.append_range(Foreign()); }; }(Numbers()));
    static_assert(![](auto v) { return requires { v.try_append_range(Foreign()); }; }(Numbers()));
}

TEST_CASE("an empty static_vector costs nothing to make, however large", "[static_vector]") {
    using Large = static_vector<std::uint32_t, 1024>;
    alignas(Large) std::array<unsigned char, sizeof(Large)> memory;
    const auto made_by = [&](auto make) {
        memory.fill(0xa5);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        CHECK(make()->empty());
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return std::ranges::count(memory, 0xa5);
    };
    CHECK(made_by([&] { return new (memory.data()) Large; }) >= 4096);
    CHECK(made_by([&] { return new (memory.data()) Large(); }) >= 4096);
}

TEST_CASE("any sequence of operations acts as on std::vector", "[static_vector]") {
    const bool held = rc::check([] {
        {
            static_vector<Tracked, 8> subject;
            std::vector<int> model;
            const int steps = *rc::gen::inRange(1, 60);
            for (int i = 0; i < steps; ++i) {
                step(subject, model);
                RC_ASSERT(std::ranges::equal(subject, model, {}, &Tracked::value));
                RC_ASSERT(Tracked::live == static_cast<long>(model.size()));
            }
        }
        RC_ASSERT(Tracked::live == 0);
        RC_ASSERT(Tracked::broken == 0);
    });
    CHECK(held);
}

}  // namespace
}  // namespace cairn
