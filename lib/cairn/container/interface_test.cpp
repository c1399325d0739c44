// SPDX-License-Identifier: MIT
// The table "Member by member" of docs/containers.md, as requirements: a member that the docs say
// is there takes what std's takes and gives what std's gives; one that they say is not, is not.
#include <array>
#include <compare>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"
#include "cairn/static_vector.hpp"
#include "cairn/string.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Pointer = const int*;

// --- sequences: std's is held against the same list, so that the list itself is right.

template <class C>
concept SequenceConstruction =
    std::constructible_from<C, std::size_t> &&
    std::constructible_from<C, std::size_t, const int&> &&
    std::constructible_from<C, Pointer, Pointer> &&
    std::constructible_from<C, std::initializer_list<int>> && std::copyable<C> &&
    std::default_initializable<C> && std::swappable<C> && std::is_constructible_v<C, std::size_t> &&
    !std::convertible_to<std::size_t, C>;

template <class C>
concept SequenceAccess = requires(C c, const C k, std::size_t n) {
    { c[n] } -> std::same_as<int&>;
    { k[n] } -> std::same_as<const int&>;
    { c.at(n) } -> std::same_as<int&>;
    { k.at(n) } -> std::same_as<const int&>;
    { c.front() } -> std::same_as<int&>;
    { k.back() } -> std::same_as<const int&>;
    { c.data() } -> std::same_as<int*>;
    { k.size() } -> std::same_as<std::size_t>;
    { k.empty() } -> std::same_as<bool>;
    { k.capacity() } -> std::same_as<std::size_t>;
    { k.max_size() } -> std::same_as<std::size_t>;
    { c.begin() } -> std::same_as<typename C::iterator>;
    { k.end() } -> std::same_as<typename C::const_iterator>;
    { k.cbegin() } -> std::same_as<typename C::const_iterator>;
    { k.cend() } -> std::same_as<typename C::const_iterator>;
    { c.rbegin() } -> std::same_as<typename C::reverse_iterator>;
    { k.rend() } -> std::same_as<typename C::const_reverse_iterator>;
    { k.crbegin() } -> std::same_as<typename C::const_reverse_iterator>;
    { k.crend() } -> std::same_as<typename C::const_reverse_iterator>;
    typename C::pointer;
    typename C::const_pointer;
    typename C::difference_type;
};

template <class C>
concept SequenceChanges =
    requires(C c, C other, typename C::const_iterator at, std::size_t n, int value, Pointer p) {
        c = {1, 2};
        c.assign(n, value);
        c.assign(p, p);
        c.assign({1, 2});
        { c.emplace_back(value) } -> std::same_as<int&>;
        c.push_back(std::as_const(value));
        c.push_back(std::move(value));
        c.pop_back();
        { c.emplace(at, value) } -> std::same_as<typename C::iterator>;
        { c.insert(at, std::as_const(value)) } -> std::same_as<typename C::iterator>;
        { c.insert(at, std::move(value)) } -> std::same_as<typename C::iterator>;
        { c.insert(at, n, value) } -> std::same_as<typename C::iterator>;
        { c.insert(at, p, p) } -> std::same_as<typename C::iterator>;
        { c.insert(at, {1, 2}) } -> std::same_as<typename C::iterator>;
        { c.erase(at) } -> std::same_as<typename C::iterator>;
        { c.erase(at, at) } -> std::same_as<typename C::iterator>;
        c.clear();
        c.resize(n);
        c.resize(n, value);
        c.reserve(n);
        c.shrink_to_fit();
        c.swap(other);
        swap(c, other);
        { erase(c, value) } -> std::same_as<std::size_t>;
        {
            erase_if(c, [](int) { return true; })
        } -> std::same_as<std::size_t>;
        { c == other } -> std::same_as<bool>;
        { c <=> other } -> std::same_as<std::strong_ordering>;
    };

template <class C>
concept Ranges = requires(C c, typename C::const_iterator at, std::array<int, 2> range) {
    C(from_range, range);
    c.assign_range(range);
    c.append_range(range);
    { c.insert_range(at, range) } -> std::same_as<typename C::iterator>;
};

template <class C>
concept Sequence = SequenceConstruction<C> && SequenceAccess<C> && SequenceChanges<C>;
static_assert(Sequence<std::vector<int>>);
static_assert(Sequence<vector<int>> && Ranges<vector<int>>);
static_assert(Sequence<static_vector<int, 8>> && Ranges<static_vector<int, 8>>);

// --- strings

template <class S>
concept StringConstruction =
    std::constructible_from<S, const char*> && std::convertible_to<const char*, S> &&
    std::constructible_from<S, const char*, std::size_t> &&
    std::constructible_from<S, std::size_t, char> && std::constructible_from<S, std::string_view> &&
    !std::convertible_to<std::string_view, S> &&
    std::constructible_from<S, const S&, std::size_t> &&
    std::constructible_from<S, const S&, std::size_t, std::size_t> &&
    std::constructible_from<S, const S&, std::size_t, typename S::allocator_type> &&
    std::constructible_from<S, S&&, std::size_t, std::size_t, typename S::allocator_type> &&
    std::constructible_from<S, std::string_view, std::size_t, std::size_t> &&
    std::constructible_from<S, const char*, const char*> &&
    std::constructible_from<S, std::initializer_list<char>> && std::copyable<S> &&
    std::default_initializable<S> && std::swappable<S> && std::totally_ordered<S> &&
    std::convertible_to<S, std::string_view>;

template <class S>
concept StringAccess = requires(S s, const S k, std::size_t n, char* to) {
    { s[n] } -> std::same_as<char&>;
    { k[n] } -> std::same_as<const char&>;
    { s.at(n) } -> std::same_as<char&>;
    { k.at(n) } -> std::same_as<const char&>;
    { s.front() } -> std::same_as<char&>;
    { k.back() } -> std::same_as<const char&>;
    { s.data() } -> std::same_as<char*>;
    { k.c_str() } -> std::same_as<const char*>;
    { k.size() } -> std::same_as<std::size_t>;
    { k.length() } -> std::same_as<std::size_t>;
    { k.empty() } -> std::same_as<bool>;
    { k.capacity() } -> std::same_as<std::size_t>;
    { k.max_size() } -> std::same_as<std::size_t>;
    { s.begin() } -> std::same_as<typename S::iterator>;
    { k.cend() } -> std::same_as<typename S::const_iterator>;
    { s.rbegin() } -> std::same_as<typename S::reverse_iterator>;
    { k.crend() } -> std::same_as<typename S::const_reverse_iterator>;
    { k.substr() } -> std::same_as<S>;
    { std::move(s).substr() } -> std::same_as<S>;
    { k.substr(n, n) } -> std::same_as<S>;
    { k.copy(to, n, n) } -> std::same_as<std::size_t>;
    { std::hash<S>()(k) } -> std::same_as<std::size_t>;
    typename S::traits_type;
    typename S::pointer;
    typename S::const_pointer;
    S::npos;
};

/// What the six searches have in common, for one of them.
template <class Search, class What>
concept Searches = requires(Search search, const What& what, std::size_t n) {
    { search(what) } -> std::same_as<std::size_t>;
    { search(what, n) } -> std::same_as<std::size_t>;
};
template <class S>
consteval bool searches_all() {
    const auto has = []<class Search>(Search) {
        return Searches<Search, S> && Searches<Search, std::string_view> &&
               Searches<Search, const char*> && Searches<Search, char> &&
               requires(Search search, const char* p, std::size_t n) { search(p, n, n); };
    };
    return has([](const auto&... a) { return S().find(a...); }) &&
           has([](const auto&... a) { return S().rfind(a...); }) &&
           has([](const auto&... a) { return S().find_first_of(a...); }) &&
           has([](const auto&... a) { return S().find_last_of(a...); }) &&
           has([](const auto&... a) { return S().find_first_not_of(a...); }) &&
           has([](const auto&... a) { return S().find_last_not_of(a...); });
}

template <class S>
concept StringQuestions =
    searches_all<S>() && requires(const S k, const char* p, std::string_view v, std::size_t n) {
        { k.contains('c') } -> std::same_as<bool>;
        { k.contains(v) } -> std::same_as<bool>;
        { k.contains(p) } -> std::same_as<bool>;
        { k.starts_with('c') } -> std::same_as<bool>;
        { k.starts_with(v) } -> std::same_as<bool>;
        { k.ends_with('c') } -> std::same_as<bool>;
        { k.ends_with(p) } -> std::same_as<bool>;
        { k.compare(k) } -> std::same_as<int>;
        { k.compare(v) } -> std::same_as<int>;
        { k.compare(p) } -> std::same_as<int>;
        { k.compare(n, n, k) } -> std::same_as<int>;
        { k.compare(n, n, p) } -> std::same_as<int>;
        { k.compare(n, n, p, n) } -> std::same_as<int>;
        { k.compare(n, n, k, n) } -> std::same_as<int>;
        { k.compare(n, n, v, n, n) } -> std::same_as<int>;
        { k == k } -> std::same_as<bool>;
        { k == p } -> std::same_as<bool>;
        { k <=> k } -> std::same_as<std::strong_ordering>;
        { k <=> p } -> std::same_as<std::strong_ordering>;
        { k + k } -> std::same_as<S>;
        { k + p } -> std::same_as<S>;
        { p + k } -> std::same_as<S>;
        { k + 'c' } -> std::same_as<S>;
        { 'c' + k } -> std::same_as<S>;
        { S() + S() } -> std::same_as<S>;
        k.find({"c", 1}) + k.rfind({"c", 1}) + k.find_first_of({"c", 1});
        k.find_last_of({"c", 1}) + k.find_first_not_of({"c", 1}) + k.find_last_not_of({"c", 1});
    };

template <class S>
concept StringAdds = requires(S s, S o, const char* p, std::string_view v, std::size_t n,
                              typename S::const_iterator at) {
    { s = v } -> std::same_as<S&>;
    { s = p } -> std::same_as<S&>;
    { s = 'c' } -> std::same_as<S&>;
    {
        s = {'a', 'b'}
    } -> std::same_as<S&>;
    { s += o } -> std::same_as<S&>;
    { s += p } -> std::same_as<S&>;
    { s += v } -> std::same_as<S&>;
    { s += 'c' } -> std::same_as<S&>;
    { s += {'a', 'b'} } -> std::same_as<S&>;
    { s.assign(o).assign(std::move(o)).assign(p).assign(v) } -> std::same_as<S&>;
    { s.assign(o, n).assign(v, n, n).assign(p, n).assign(n, 'c') } -> std::same_as<S&>;
    { s.assign(p, p).assign({'a'}) } -> std::same_as<S&>;
    { s.append(o).append(p).append(v).append(o, n).append(v, n, n) } -> std::same_as<S&>;
    { s.append(p, n).append(n, 'c').append(p, p).append({'a'}) } -> std::same_as<S&>;
    { s.insert(n, o).insert(n, p).insert(n, v).insert(n, o, n) } -> std::same_as<S&>;
    { s.insert(n, v, n, n).insert(n, p, n).insert(n, n, 'c') } -> std::same_as<S&>;
    { s.insert(0, "x").insert(0, 1, 'c').replace(0, 0, "x") } -> std::same_as<S&>;
    { s.insert(at, 'c') } -> std::same_as<typename S::iterator>;
    { s.insert(at, n, 'c') } -> std::same_as<typename S::iterator>;
    { s.insert(at, p, p) } -> std::same_as<typename S::iterator>;
    { s.insert(at, {'a'}) } -> std::same_as<typename S::iterator>;
    s.push_back('c');
};

template <class S>
concept StringChanges = requires(S s, S o, const char* p, std::string_view v, std::size_t n,
                                 typename S::const_iterator at) {
    { s.replace(n, n, o).replace(n, n, p).replace(n, n, v) } -> std::same_as<S&>;
    { s.replace(n, n, o, n).replace(n, n, v, n, n) } -> std::same_as<S&>;
    { s.replace(n, n, p, n).replace(n, n, n, 'c') } -> std::same_as<S&>;
    { s.replace(at, at, o).replace(at, at, p).replace(at, at, v) } -> std::same_as<S&>;
    { s.replace(at, at, p, n).replace(at, at, n, 'c') } -> std::same_as<S&>;
    { s.replace(at, at, p, p).replace(at, at, {'a'}) } -> std::same_as<S&>;
    { s.erase().erase(n).erase(n, n) } -> std::same_as<S&>;
    { s.erase(at) } -> std::same_as<typename S::iterator>;
    { s.erase(at, at) } -> std::same_as<typename S::iterator>;
    s.pop_back();
    s.clear();
    s.resize(n);
    s.resize(n, 'c');
    s.resize_and_overwrite(n, [](char*, std::size_t count) { return count; });
    s.reserve(n);
    s.shrink_to_fit();
    s.swap(o);
    swap(s, o);
    { erase(s, 'c') } -> std::same_as<std::size_t>;
    {
        erase_if(s, [](char) { return true; })
    } -> std::same_as<std::size_t>;
};

template <class S>
concept StringRanges = requires(S s, typename S::const_iterator at, std::array<char, 2> range) {
    S(from_range, range);
    { s.assign_range(range).append_range(range) } -> std::same_as<S&>;
    { s.insert_range(at, range) } -> std::same_as<typename S::iterator>;
    { s.replace_with_range(at, at, range) } -> std::same_as<S&>;
};

template <class S>
concept AnyString = StringConstruction<S> && StringAccess<S> && StringQuestions<S> &&
                    StringAdds<S> && StringChanges<S>;
static_assert(AnyString<std::string>);
static_assert(AnyString<string> && StringRanges<string>);

// --- maps

template <class M>
concept MapConstruction =
    std::constructible_from<M, std::initializer_list<typename M::value_type>> &&
    std::constructible_from<M, const typename M::value_type*, const typename M::value_type*> &&
    std::copyable<M> && std::default_initializable<M> && std::swappable<M> &&
    std::equality_comparable<M> &&
    std::same_as<typename M::value_type, std::pair<const typename M::key_type, std::string>>;

template <class M>
concept MapAccess = requires(M m, const M k, typename M::key_type key, std::size_t n) {
    { m[key] } -> std::same_as<std::string&>;
    { m[std::move(key)] } -> std::same_as<std::string&>;
    { m.at(key) } -> std::same_as<std::string&>;
    { k.at(key) } -> std::same_as<const std::string&>;
    { m.find(key) } -> std::same_as<typename M::iterator>;
    { k.find(key) } -> std::same_as<typename M::const_iterator>;
    { k.contains(key) } -> std::same_as<bool>;
    { k.count(key) } -> std::same_as<std::size_t>;
    { m.equal_range(key) } -> std::same_as<std::pair<typename M::iterator, typename M::iterator>>;
    {
        k.equal_range(key)
    } -> std::same_as<std::pair<typename M::const_iterator, typename M::const_iterator>>;
    { m.begin() } -> std::same_as<typename M::iterator>;
    { k.end() } -> std::same_as<typename M::const_iterator>;
    { k.cbegin() } -> std::same_as<typename M::const_iterator>;
    { k.size() } -> std::same_as<std::size_t>;
    { k.empty() } -> std::same_as<bool>;
    { k.max_size() } -> std::same_as<std::size_t>;
    typename M::mapped_type;
    typename M::difference_type;
};

template <class M>
concept MapChanges = requires(M m, M o, typename M::key_type key, const typename M::value_type e,
                              typename M::value_type moved, typename M::const_iterator at,
                              const typename M::value_type* p, std::string value) {
    m = {e, e};
    { m.insert(e) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.insert(std::move(moved)) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.insert({key, value}) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.insert(at, e) } -> std::same_as<typename M::iterator>;
    { m.insert(at, std::move(moved)) } -> std::same_as<typename M::iterator>;
    { m.insert(p, p) } -> std::same_as<void>;
    { m.insert({e, e}) } -> std::same_as<void>;
    { m.emplace(key, value) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.emplace(e) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.emplace() } -> std::same_as<std::pair<typename M::iterator, bool>>;
    {
        m.emplace(std::piecewise_construct, std::tuple(key), std::tuple(3, 'c'))
    } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.emplace_hint(at, key, value) } -> std::same_as<typename M::iterator>;
    { m.try_emplace(key) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.try_emplace(key, 3, 'c') } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.try_emplace(at, key, 3, 'c') } -> std::same_as<typename M::iterator>;
    { m.insert_or_assign(key, value) } -> std::same_as<std::pair<typename M::iterator, bool>>;
    { m.insert_or_assign(at, key, value) } -> std::same_as<typename M::iterator>;
    { m.erase(key) } -> std::same_as<std::size_t>;
    { m.erase(at) } -> std::same_as<typename M::iterator>;
    { m.erase(m.begin()) } -> std::same_as<typename M::iterator>;
    { m.erase(at, at) } -> std::same_as<typename M::iterator>;
    m.clear();
    m.swap(o);
    swap(m, o);
    {
        erase_if(m, [](const auto&) { return true; })
    } -> std::same_as<std::size_t>;
    { m == o } -> std::same_as<bool>;
};

template <class M>
concept SortedMap = requires(M m, const M k, typename M::key_type key) {
    { m.lower_bound(key) } -> std::same_as<typename M::iterator>;
    { k.upper_bound(key) } -> std::same_as<typename M::const_iterator>;
    { m.rbegin() } -> std::same_as<typename M::reverse_iterator>;
    { k.rend() } -> std::same_as<typename M::const_reverse_iterator>;
    { k.crbegin() } -> std::same_as<typename M::const_reverse_iterator>;
    { k <=> k } -> std::same_as<std::strong_ordering>;
    { k.key_comp()(key, key) } -> std::same_as<bool>;
    { k.value_comp()(*k.begin(), *k.begin()) } -> std::same_as<bool>;
};
template <class M>
concept HashingMap = requires(M m, const M k, std::size_t n) {
    { k.bucket_count() } -> std::same_as<std::size_t>;
    { k.load_factor() } -> std::same_as<float>;
    { k.max_load_factor() } -> std::same_as<float>;
    m.rehash(n);
    m.reserve(n);
    k.hash_function();
    k.key_eq();
};

template <class M>
concept AnyMap = MapConstruction<M> && MapAccess<M> && MapChanges<M>;
template <class Key>
constexpr bool all_maps =
    AnyMap<std::map<Key, std::string>> && SortedMap<std::map<Key, std::string>> &&
    AnyMap<flat_map<Key, std::string>> && SortedMap<flat_map<Key, std::string>> &&
    AnyMap<std::unordered_map<Key, std::string>> &&
    HashingMap<std::unordered_map<Key, std::string>> && AnyMap<hash_map<Key, std::string>> &&
    HashingMap<hash_map<Key, std::string>>;
static_assert(all_maps<int> && all_maps<std::string>);

// --- what the docs say is not there

template <class M>
concept HasNodes = requires(M m, typename M::const_iterator at) { m.extract(at); } ||
                   requires(M m, M o) { m.merge(o); };
template <class M>
concept HasBuckets = requires(M m) { m.bucket(0); } || requires(M m) { m.bucket_size(0); };
static_assert(!HasNodes<flat_map<int, int>> && !HasNodes<hash_map<int, int>>);
static_assert(!HasBuckets<hash_map<int, int>>);
template <class S>
concept ReservesNothing = requires(S s) { s.reserve(); };
static_assert(!ReservesNothing<string>);
static_assert(!std::is_assignable_v<string&, int> && std::is_assignable_v<std::string&, int>);

TEST_CASE("an entry is made of whatever a pair is made of", "[interface]") {
    const auto check = []<class Map>(Map map) {
        CHECK(map.emplace().second);
        CHECK(map.emplace(std::pair(1, "one")).second);
        CHECK(map.emplace(std::piecewise_construct, std::tuple(2), std::tuple(3, 'x')).second);
        CHECK(map.emplace(3, "three").second);
        CHECK(!map.emplace(3, "four").second);
        const std::pair<const int, std::string> entries[] = {{4, "four"}, {1, "no"}};
        map.insert(std::begin(entries), std::end(entries));
        map.insert({{5, "five"}});
        CHECK(map.insert(map.begin(), {6, "six"})->second == "six");
        CHECK(map.try_emplace(map.end(), 6, "seven")->second == "six");
        CHECK(map.insert_or_assign(map.end(), 6, "seven")->second == "seven");
        CHECK(map.emplace_hint(map.begin(), 7, "seven")->first == 7);
        CHECK((map.size() == 8 && map.at(1) == "one" && map.at(2) == "xxx" && map.at(0).empty()));
        const auto [first, last] = map.equal_range(5);
        CHECK((std::distance(first, last) == 1 && first->second == "five"));
        CHECK(map.equal_range(50).first == map.equal_range(50).second);
        map = {{1, "a"}};
        CHECK((map.size() == 1 && map.at(1) == "a"));
    };
    check(flat_map<int, std::string>());
    check(hash_map<int, std::string>());
    CHECK(flat_map<int, int>{{1, 2}} < flat_map<int, int>{{1, 3}});
    CHECK(std::is_eq(flat_map<int, int>{{1, 2}} <=> flat_map<int, int>{{1, 2}}));
}

}  // namespace
}  // namespace cairn
