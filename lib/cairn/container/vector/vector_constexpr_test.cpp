// SPDX-License-Identifier: MIT
// `vector` in constant evaluation, where the compiler finds every leak, stray pointer and use of a
// dead object.
#include <array>
#include <string_view>

#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

/// Not trivial, and told apart from moved-from.
struct Name {
    constexpr Name(const char* text) : letters(from_range, std::string_view(text)) {}  // NOLINT
    vector<char> letters;
    constexpr bool operator==(const Name&) const = default;
};

template <class T>
constexpr bool edits(T a, T b, T c) {
    vector<T> v;
    v.push_back(a);
    v.push_back(v[0]);
    v.emplace_back(b);
    v.insert(v.begin(), v.back());
    v.insert(v.begin() + 1, 3, v[1]);
    if (v != vector<T>{b, a, a, a, a, a, b}) return false;
    v.erase(v.begin() + 1, v.begin() + 5);
    v.insert(v.end() - 1, {c, c});
    if (v != vector<T>{b, a, c, c, b}) return false;
    v.resize(2, a);
    v.resize(4, c);
    v.shrink_to_fit();
    v.append_range(v);
    v.pop_back();
    if (v != vector<T>{b, a, c, c, b, a, c}) return false;
    if (erase(v, v[2]) != 3 || v.size() != 4) return false;
    vector<T> w = v;
    w.assign(3, w[1]);
    v = std::move(w);
    w = {a, b};
    swap(v, w);
    v.reserve(50);
    return w == vector<T>(3, a) && v.front() == a && v.capacity() == 50 && *v.rbegin() == b;
}

template <class T>
constexpr bool tries(T a, T b) {
    auto v = vector<T>::try_with_capacity(1);
    if (!v || !v->try_push_back(a) || !v->try_emplace(v->begin(), b)) return false;
    if (!v->try_insert(v->begin(), 2, a) || !v->try_resize(5, b)) return false;
    if (!v->try_append_range(std::array{a, b}) || !v->try_insert_range(v->begin(), *v))
        return false;
    return v->size() == 14;
}

constexpr bool orders() {
    return vector{1, 2} < vector{1, 3} && (vector{1} <=> vector{1}) == 0 &&
           vector{3} > vector{2, 9};
}

static_assert(edits(1, 2, 3));
static_assert(edits<std::string_view>("one", "two", "three"));
static_assert(edits<Name>("one", "two", "three"));
static_assert(tries(1, 2));
static_assert(tries<Name>("one", "two"));
static_assert(orders());

TEST_CASE("what holds in constant evaluation holds at run time", "[vector_constexpr]") {
    CHECK(edits(1, 2, 3));
    CHECK(edits<std::string_view>("one", "two", "three"));
    CHECK(edits<Name>("one", "two", "three"));
    CHECK(tries(1, 2));
    CHECK(tries<Name>("one", "two"));
    CHECK(orders());
}

}  // namespace
}  // namespace cairn
