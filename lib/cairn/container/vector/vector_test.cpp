// SPDX-License-Identifier: MIT
#include "cairn/vector.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <list>
#include <memory>
#include <ranges>
#include <sstream>
#include <string>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/last_words.hpp"

namespace cairn {
namespace {

using testing::Ledger;
using testing::TestAllocator;
using testing::Tracked;

// --- the interface, as types

template <class T>
concept CanPushCopies = requires(vector<T>& v, const T& value) { v.push_back(value); };

template <class Vector>
concept CanTry = requires(Vector& v) { v.try_reserve(1); };

static_assert(std::ranges::contiguous_range<vector<int>>);
static_assert(std::ranges::sized_range<const vector<int>>);
static_assert(std::ranges::common_range<vector<int>>);
static_assert(std::contiguous_iterator<vector<int>::iterator>);
static_assert(std::contiguous_iterator<vector<int>::const_iterator>);
static_assert(std::random_access_iterator<vector<int>::reverse_iterator>);
static_assert(std::regular<vector<int>>);
static_assert(std::totally_ordered<vector<int>>);
static_assert(std::three_way_comparable<vector<int>, std::strong_ordering>);
static_assert(std::three_way_comparable<vector<double>, std::partial_ordering>);
static_assert(std::is_nothrow_default_constructible_v<vector<int>>);
static_assert(std::is_nothrow_move_constructible_v<vector<int>>);
static_assert(std::is_nothrow_move_assignable_v<vector<int>>);
static_assert(std::is_nothrow_swappable_v<vector<int>>);
static_assert(!std::is_nothrow_move_assignable_v<vector<int, TestAllocator<int>>>);
static_assert(std::is_nothrow_move_assignable_v<vector<int, TestAllocator<int, true>>>);
static_assert(sizeof(vector<int>) == 3 * sizeof(void*));
static_assert(CanPushCopies<int> && !CanPushCopies<std::unique_ptr<int>>);
static_assert(std::is_same_v<vector<bool>::reference, bool&>);
static_assert(!std::is_convertible_v<std::size_t, vector<int>>);
static_assert(!std::is_default_constructible_v<vector<int, TestAllocator<int>>>);

static_assert(is_trivially_relocatable_v<int>);
static_assert(is_trivially_relocatable_v<vector<std::string>>);
static_assert(is_trivially_relocatable_v<std::unique_ptr<std::string>>);
static_assert(!is_trivially_relocatable_v<std::string>);
static_assert(!is_trivially_relocatable_v<Tracked>);
static_assert(RelocatesInBulk<int, allocator<int>>);

static_assert(std::is_same_v<decltype(vector{1, 2}), vector<int>>);
static_assert(std::is_same_v<decltype(vector(3, 'x')), vector<char>>);
static_assert(std::is_same_v<decltype(vector(std::declval<std::list<long>>().begin(),
                                             std::declval<std::list<long>>().end())),
                             vector<long>>);
static_assert(
    std::is_same_v<decltype(vector(from_range, std::declval<std::string>())), vector<char>>);
static_assert(std::is_same_v<decltype(vector(from_range, std::declval<std::string>(),
                                             std::declval<TestAllocator<char>>())),
                             vector<char, TestAllocator<char>>>);

/// A tree needs vectors of an incomplete type, and their comparison in its own.
struct Tree {
    int value;
    vector<Tree> children;
    bool operator==(const Tree&) const = default;
};

/// Neither copied nor moved: what a hart's lock is.
struct Immovable {
    Immovable() = default;
    Immovable(const Immovable&) = delete;
    Immovable& operator=(const Immovable&) = delete;
    int value = 5;
};

template <class Vector>
vector<int> values(const Vector& v) {
    return vector<int>(from_range, std::views::transform(v, [](const auto& element) {
                           if constexpr (requires { element.value(); }) {
                               return element.value();
                           } else {
                               return static_cast<int>(element);
                           }
                       }));
}

// --- construction and assignment

TEST_CASE("constructors", "[vector]") {
    CHECK(vector<int>().empty());
    CHECK(vector<int>(3) == vector{0, 0, 0});
    CHECK(vector<int>(3, 7) == vector{7, 7, 7});
    CHECK(vector<int>(0).capacity() == 0);
    const std::list<int> list{1, 2, 3};
    CHECK(vector<int>(list.begin(), list.end()) == vector{1, 2, 3});
    CHECK(vector<long>(from_range, list) == vector{1L, 2L, 3L});
    std::istringstream text("4 5 6 7 8");
    CHECK(vector<int>(std::istream_iterator<int>(text), std::istream_iterator<int>()) ==
          vector{4, 5, 6, 7, 8});
    CHECK(vector<int>(from_range, std::views::iota(0, 4)) == vector{0, 1, 2, 3});
    CHECK(vector<std::string>{"a", "b"}.size() == 2);
    vector<Immovable> locks(4);
    CHECK(locks[3].value == 5);
    const vector<Immovable> stolen = std::move(locks);
    CHECK(stolen.size() == 4);
}

TEST_CASE("exact constructors take exactly what they need", "[vector]") {
    CHECK(vector<char>(3).capacity() == 3);
    CHECK(vector<char>{'a', 'b'}.capacity() == 2);
    const std::list<char> list{'x'};
    CHECK(vector<char>(list.begin(), list.end()).capacity() == 1);
    vector<char> grown;
    grown.push_back('x');
    CHECK(grown.capacity() == 32);
}

TEST_CASE("assignment", "[vector]") {
    vector<std::string> v{"one", "two", "three"};
    const vector<std::string> w = v;
    v = {"x"};
    CHECK(v == vector<std::string>{"x"});
    v = w;
    CHECK(v == w);
    const auto* const same = &v;
    v = *same;
    CHECK(v == w);
    v.assign(5, v[1]);
    CHECK(v == vector<std::string>(5, "two"));
    v.assign(2, v[1]);
    CHECK(v == vector<std::string>(2, "two"));
    v.assign_range(std::array<const char*, 3>{"a", "b", "c"});
    CHECK(v == vector<std::string>{"a", "b", "c"});
    std::istringstream text("p q");
    v.assign(std::istream_iterator<std::string>(text), std::istream_iterator<std::string>());
    CHECK(v == vector<std::string>{"p", "q"});
    vector<std::string> moved = std::move(v);
    CHECK(v.empty());  // NOLINT: promised
    v = std::move(moved);
    CHECK(v.size() == 2);
    CHECK(moved.empty());  // NOLINT: promised
    swap(v, moved);
    CHECK(moved.size() == 2);
}

// --- the arguments that bite

TEST_CASE("an element of the vector may be the argument", "[vector]") {
    const std::string text = "a rather long first string";
    vector<std::string> v{text, "b"};
    const auto full = [&] { v.shrink_to_fit(); };
    full();
    v.push_back(v[0]);
    full();
    v.insert(v.begin(), v.back());
    v.insert(v.begin(), v.back());  // with room
    full();
    v.insert(v.begin() + 1, 5, v[0]);
    v.insert(v.begin() + 1, 3, v[1]);  // with room
    full();
    v.emplace_back(v.front());
    v.emplace(v.begin() + 2, v.front());
    full();
    v.resize(v.size() + 2, v.front());
    CHECK(erase(v, "b") == 1);
    CHECK(v.size() == 16);
    CHECK(std::ranges::count(v, text) == 16);
    v.append_range(v);
    v.reserve(100);
    v.append_range(v);
    CHECK(std::ranges::count(v, text) == 64);
    CHECK(erase(v, v[3]) == 64);
}

TEST_CASE("a moved-in element of the vector", "[vector]") {
    vector<std::string> v{"first string, long enough for the heap", "b"};
    v.shrink_to_fit();
    v.push_back(std::move(v[0]));
    CHECK(v[0].empty());
    CHECK(v[2] == "first string, long enough for the heap");
    v.insert(v.begin(), std::move(v[2]));
    CHECK(v[0] == "first string, long enough for the heap");
}

// --- elements and places

TEST_CASE("insertion and removal at any place", "[vector]") {
    vector<int> v;
    CHECK(*v.insert(v.end(), 3) == 3);
    CHECK(*v.insert(v.begin(), 1) == 1);
    CHECK(*v.emplace(v.begin() + 1, 2) == 2);
    CHECK(v == vector{1, 2, 3});
    CHECK(v.insert(v.begin() + 1, {7, 8}) == v.begin() + 1);
    CHECK(v.insert(v.begin(), {}) == v.begin());
    CHECK(v == vector{1, 7, 8, 2, 3});
    CHECK(v.erase(v.begin() + 1, v.begin() + 3) == v.begin() + 1);
    CHECK(v.erase(v.begin(), v.begin()) == v.begin());
    CHECK(*v.erase(v.begin()) == 2);
    const auto behind = v.erase(v.end() - 1);  // before end() is asked for
    CHECK(behind == v.end());
    CHECK(v == vector{2});
    v.insert_range(v.begin(), std::views::iota(5, 8));
    std::istringstream text("10 11 12");
    v.insert(v.begin() + 1, std::istream_iterator<int>(text), std::istream_iterator<int>());
    CHECK(v == vector{5, 10, 11, 12, 6, 7, 2});
    CHECK(erase_if(v, [](int x) { return x % 2 == 0; }) == 4);
    CHECK(v == vector{5, 11, 7});
    v.pop_back();
    CHECK(v.back() == 11);
    CHECK(vector<int>(v.rbegin(), v.rend()) == vector{11, 5});
    v.clear();
    CHECK(v.empty());
    v.shrink_to_fit();
    CHECK(v.capacity() == 0);
}

TEST_CASE("elements that can only be moved", "[vector]") {
    vector<std::unique_ptr<int>> v;
    for (int i = 0; i < 100; ++i)
        v.push_back(std::make_unique<int>(i));
    v.insert(v.begin() + 50, std::make_unique<int>(1000));
    v.erase(v.begin(), v.begin() + 49);
    CHECK(*v[1] == 1000);
    CHECK(erase_if(v, [](const auto& p) { return *p > 60; }) == 40);
    CHECK(v.size() == 12);
}

TEST_CASE("vectors of vectors, trees, bools and over-aligned elements", "[vector]") {
    Tree tree{1, {Tree{2, {}}, Tree{3, {Tree{4, {}}}}}};
    tree.children.push_back(tree);
    const Tree copy = tree;
    CHECK(copy == tree);
    CHECK(copy.children[2].children[1].children[0].value == 4);

    vector<bool> bits{true, false};
    bool& second = bits[1];
    second = true;
    CHECK(bits == vector{true, true});

    struct alignas(256) Line {
        char bytes[256];
    };
    vector<Line> lines(3);
    lines.push_back({});
    CHECK(reinterpret_cast<std::uintptr_t>(lines.data()) % 256 == 0);
}

TEST_CASE("comparison is lexicographical", "[vector]") {
    CHECK(std::is_eq(vector{1, 2} <=> vector{1, 2}));
    CHECK(vector{1, 2} < vector{1, 3});
    CHECK(vector{1, 2} < vector{1, 2, 0});
    CHECK(vector{2} > vector{1, 9});
    CHECK((vector{1.0} <=> vector{std::numeric_limits<double>::quiet_NaN()}) ==
          std::partial_ordering::unordered);
    struct OnlyLess {
        int key;
        bool operator<(const OnlyLess& other) const { return key < other.key; }
    };
    CHECK((vector{OnlyLess{1}} <=> vector{OnlyLess{2}}) == std::weak_ordering::less);
    CHECK((vector{OnlyLess{2}} <=> vector{OnlyLess{2}}) == std::weak_ordering::equivalent);
}

TEST_CASE("a vector prints as a range", "[vector]") {
    const vector<char> v{'a', 'b', 'c'};
    std::string text;
    struct StringWriter final : Writer {
        explicit StringWriter(std::string& string) : text(string) {}
        void write(std::string_view more) override { text += more; }
        std::string& text;
    } writer(text);
    print(writer, "v = {}", v);
    CHECK(text == "v = ['a', 'b', 'c']");
}

// --- allocators

TEST_CASE("allocators that do not propagate", "[vector]") {
    Ledger here, there;
    using Vector = vector<Tracked, TestAllocator<Tracked>>;
    {
        Vector a({1, 2, 3}, TestAllocator<Tracked>(here));
        Vector b(1, 4, TestAllocator<Tracked>(there));
        b = a;
        CHECK(&b.get_allocator().ledger() == &there);
        a = Vector({5, 6}, TestAllocator<Tracked>(there));
        CHECK(&a.get_allocator().ledger() == &here);
        CHECK(values(a) == vector{5, 6});
        const Tracked* const block = b.data();
        Vector c(std::move(b), TestAllocator<Tracked>(there));
        CHECK(c.data() == block);
        const Vector d(std::move(c), TestAllocator<Tracked>(here));
        CHECK(d.data() != block);
        CHECK(c.empty());  // NOLINT: promised
        CHECK(values(d) == vector{1, 2, 3});
        CHECK(&Vector(d).get_allocator().ledger() == &here);
        Vector e(TestAllocator<Tracked>{there});
        CHECK(last_words([&] { a.swap(e); }).find("swap() between unequal") != std::string::npos);
    }
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
    CHECK(Tracked::live == 0);
}

TEST_CASE("allocators that propagate", "[vector]") {
    Ledger here, there;
    using Allocator = TestAllocator<Tracked, true>;
    {
        vector<Tracked, Allocator> a({1, 2, 3}, Allocator(here));
        vector<Tracked, Allocator> b(1, 4, Allocator(there));
        a.swap(b);
        CHECK(&a.get_allocator().ledger() == &there);
        a = b;
        CHECK(&a.get_allocator().ledger() == &here);
        vector<Tracked, Allocator> c(Allocator{there});
        c = std::move(a);
        CHECK(&c.get_allocator().ledger() == &here);
        CHECK(values(c) == vector{1, 2, 3});
    }
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
    CHECK(Tracked::live == 0);
}

TEST_CASE("a block that can grow where it is does", "[vector]") {
    Ledger ledger;
    ledger.slack = 1000;
    {
        vector<Tracked, TestAllocator<Tracked>> v(TestAllocator<Tracked>{ledger});
        v.push_back(0);
        const Tracked* const block = v.data();
        for (int i = 1; i < 32; ++i)
            v.insert(v.begin(), i);
        CHECK(v.data() == block);
        v.shrink_to_fit();
        CHECK(v.data() == block);
        CHECK(v.capacity() == 32);
        CHECK(ledger.in_place > 3);
    }
    CHECK(ledger.bytes == 0);
    CHECK(ledger.errors == 0);
}

TEST_CASE("an allocator that only has std's interface will do", "[vector]") {
    vector<int, std::allocator<int>> v{1, 2};
    v.push_back(3);
    v.shrink_to_fit();
    CHECK(v.capacity() == 3);
    static_assert(CanTry<vector<int>> && !CanTry<decltype(v)>);
}

// --- misuse

TEST_CASE("misuse panics and says what, with the values", "[vector]") {
    const auto says = [](auto action, std::string_view sentence) {
        const std::string words = last_words(action);
        INFO(words);
        return words.find(sentence) != std::string::npos;
    };
    vector<int> v{1, 2, 3};
    vector<int> none;
    CHECK(says([&] { v[3] = 1; }, "vector: index 3 of 3 elements"));
    CHECK(says([&] { v.at(7) = 1; }, "vector_test.cpp"));
    CHECK(says([&] { (void)none.front(); }, "vector: front() of no elements"));
    CHECK(says([&] { (void)none.back(); }, "vector: back() of no elements"));
    CHECK(says([&] { none.pop_back(); }, "vector: pop_back() of no elements"));
    CHECK(says([&] { v.erase(v.end()); }, "vector: index 3 of 3 elements"));
    CHECK(says([&] { v.erase(v.end(), v.begin()); }, "ends before it begins"));
    CHECK(says([&] { v.insert(v.begin() - 1, 0); }, "position outside"));
    CHECK(says([&] { v.reserve(v.max_size() + 1); }, "at most 2305843009213693951 possible"));
    CHECK(says([&] { v.resize(SIZE_MAX); }, "vector: 18446744073709551615 elements wanted"));
}

TEST_CASE("a wrong position in a vector names the caller", "[vector]") {
    vector<int> v{1, 2, 3};
    const vector<int> other{4};
    for (const auto& words : {last_words([&] { v.insert(other.begin(), 1); }),
                              last_words([&] { v.insert(v.end() + 1, 2, 1); }),
                              last_words([&] { v.emplace(other.begin(), 1); }),
                              last_words([&] { v.insert(other.begin(), {1}); }),
                              last_words([&] { (void)v.try_insert(other.begin(), 1); }),
                              last_words([&] { (void)v.try_emplace(other.begin(), 1); }),
                              last_words([&] { v.erase(other.begin()); }),
                              last_words([&] { v.erase(v.begin(), other.end()); })}) {
        CHECK(words.find("vector: a position outside of its elements") != std::string::npos);
        CHECK(words.find("vector_test.cpp") != std::string::npos);
    }
}

}  // namespace
}  // namespace cairn
