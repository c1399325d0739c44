// SPDX-License-Identifier: MIT
// Elements of vector that hold a vector themselves, or that only their allocator can make.
#include <array>
#include <compare>
#include <functional>
#include <memory_resource>
#include <string>
#include <type_traits>
#include <utility>

#include "cairn/container/container_test_allocator.hpp"
#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"
#include "cairn/static_vector.hpp"
#include "cairn/unique_ptr.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

/// A library that compares whatever it is given, as those of expressions do.
namespace greedy {
struct Variable {
    int value = 0;
};
template <class A, class B>
constexpr bool operator==(const A& /*a*/, const B& /*b*/) {
    return true;
}
template <class A, class B>
constexpr bool operator<(const A& /*a*/, const B& /*b*/) {
    return true;
}
template <class T>
constexpr int compare_elements(const T& /*a*/, const T& /*b*/) {
    return 0;
}
}  // namespace greedy

namespace cairn {
namespace {

template <class Container>
constexpr bool compares_by_itself(Container one, Container two) {
    return !(one == two) && one != two && one == one &&
           (two <=> two) != std::weak_ordering::greater;
}

TEST_CASE("operators of the elements' library do not take the place of the container's",
          "[vector_element]") {
    using greedy::Variable;
    CHECK(compares_by_itself(vector<Variable>(1), vector<Variable>(2)));
    CHECK(compares_by_itself(static_vector<Variable, 4>(1), static_vector<Variable, 4>(2)));
    CHECK(compares_by_itself(flat_map<int, Variable>{{1, {}}}, flat_map<int, Variable>{}));
}

TEST_CASE("a vector is assigned what one of its elements has", "[vector_element]") {
    struct Node {
        vector<Node> kids;
        std::string name;
    };
    const std::string name = "a name that is too long to lie within its object";
    Node node;
    node.kids.resize(2);
    node.kids[0].kids.resize(3);
    node.kids[0].kids[2].name = name;
    node.kids = std::move(node.kids[0].kids);
    CHECK((node.kids.size() == 3 && node.kids[2].name == name));
}

template <bool propagates>
struct TestNode {
    explicit TestNode(testing::Ledger& ledger) : kids(Allocator(ledger)) {}
    using Allocator = testing::TestAllocator<TestNode, propagates>;
    vector<TestNode, Allocator> kids;
    int name = 0;
};

TEST_CASE("the same with allocators that are unequal, or go along", "[vector_element]") {
    testing::Ledger here;
    testing::Ledger there;
    const auto check = [&]<bool propagates>(std::bool_constant<propagates>) {
        TestNode<propagates> node(here);
        node.kids.emplace_back(there);
        node.kids[0].kids.emplace_back(there);
        node.kids[0].kids[0].name = 7;
        node.kids = std::move(node.kids[0].kids);
        CHECK((node.kids.size() == 1 && node.kids[0].name == 7));
        CHECK(&node.kids.get_allocator().ledger() == (propagates ? &there : &here));
    };
    check(std::false_type());
    check(std::true_type());
    CHECK(here.bytes + there.bytes == 0);
    CHECK(here.errors + there.errors == 0);
}

/// What can only be made with an allocator, as classes for std::pmr are that insist on one.
struct OnlyWithAllocator {
    using allocator_type = std::pmr::polymorphic_allocator<>;
    OnlyWithAllocator(int number, const allocator_type& from)
        : value(number), resource(from.resource()) {}
    OnlyWithAllocator(const OnlyWithAllocator& other, const allocator_type& from)
        : OnlyWithAllocator(other.value, from) {}
    int value;
    std::pmr::memory_resource* resource;
};

/// The same, and it cannot be made without one of another either.
struct MovesWithIt {
    using allocator_type = std::pmr::polymorphic_allocator<>;
    MovesWithIt(std::allocator_arg_t, const allocator_type& from, int number)
        : value(number), resource(from.resource()) {}
    MovesWithIt(std::allocator_arg_t, const allocator_type& from, MovesWithIt&& other)
        : value(other.value), resource(from.resource()) {}
    MovesWithIt(MovesWithIt&&) = delete;
    int value;
    std::pmr::memory_resource* resource;
};

TEST_CASE("elements that move with their allocator alone do", "[vector_element]") {
    std::pmr::monotonic_buffer_resource resource;
    vector<MovesWithIt, std::pmr::polymorphic_allocator<MovesWithIt>> v(&resource);
    for (int i = 0; i < 40; ++i)
        v.emplace_back(i);
    v.erase(v.begin());
    v.shrink_to_fit();
    CHECK((v.size() == 39 && v.front().value == 1 && v.back().value == 39));
    CHECK(std::ranges::all_of(v, [&](const auto& each) { return each.resource == &resource; }));
}

TEST_CASE("the allocator decides what an element is made of", "[vector_element]") {
    std::pmr::monotonic_buffer_resource resource;
    using Elements = vector<OnlyWithAllocator, std::pmr::polymorphic_allocator<OnlyWithAllocator>>;
    Elements v(&resource);
    for (int i = 0; i < 9; ++i)
        v.emplace_back(i);
    v.emplace(v.begin(), 10);
    v.push_back(v[1]);
    v.insert(v.begin(), v[2]);
    v.append_range(std::array{20, 21});
    CHECK(v.size() == 14);
    for (const OnlyWithAllocator& each : v)
        CHECK(each.resource == &resource);
    CHECK((v[0].value == 1 && v[1].value == 10 && v.back().value == 21));
    const auto one = allocate_unique<OnlyWithAllocator>(v.get_allocator(), 7);
    CHECK((one->value == 7 && one->resource == &resource));
    hash_map<int, OnlyWithAllocator, seeded_hash<int>, std::equal_to<>,
             std::pmr::polymorphic_allocator<std::pair<const int, OnlyWithAllocator>>>
        hashed(&resource);
    flat_map<int, OnlyWithAllocator, std::less<>,
             std::pmr::polymorphic_allocator<std::pair<const int, OnlyWithAllocator>>>
        sorted(&resource);
    for (int i = 0; i < 20; ++i) {
        hashed.try_emplace(i, i);
        sorted.emplace(20 - i, i);
    }
    CHECK((hashed.at(7).value == 7 && hashed.at(7).resource == &resource));
    CHECK((sorted.at(7).value == 13 && sorted.at(7).resource == &resource));
}

}  // namespace
}  // namespace cairn
