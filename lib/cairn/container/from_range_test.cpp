// SPDX-License-Identifier: MIT
// Containers take iterators that can no more than C++17 asks of an input iterator.
#include "cairn/container/from_range.hpp"

#include <cstddef>
#include <iterator>
#include <ranges>
#include <utility>

#include "cairn/flat_map.hpp"
#include "cairn/hash_map.hpp"
#include "cairn/static_vector.hpp"
#include "cairn/string.hpp"
#include "cairn/vector.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

/// Without a default constructor, and with a comma that nobody may use.
template <class T>
class InputIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    constexpr explicit InputIterator(const T* at) : at_(at) {}

    constexpr const T& operator*() const { return *at_; }
    constexpr const T* operator->() const { return at_; }
    constexpr InputIterator& operator++() {
        ++at_;
        return *this;
    }
    constexpr InputIterator operator++(int) { return InputIterator(at_++); }
    constexpr bool operator==(const InputIterator&) const = default;
    template <class Other>
    void operator,(const Other&) = delete;

  private:
    const T* at_;
};

/// The same that can be walked twice.
template <class T>
class ForwardIterator : public InputIterator<T> {
  public:
    using iterator_category = std::forward_iterator_tag;

    constexpr explicit ForwardIterator(const T* at = nullptr) : InputIterator<T>(at) {}

    constexpr ForwardIterator& operator++() {
        InputIterator<T>::operator++();
        return *this;
    }
    constexpr ForwardIterator operator++(int) {
        ForwardIterator before = *this;
        ++*this;
        return before;
    }
    constexpr bool operator==(const ForwardIterator&) const = default;
};

static_assert(std::input_iterator<InputIterator<int>>);
static_assert(!std::ranges::range<IteratorRange<InputIterator<int>>>);
static_assert(std::forward_iterator<ForwardIterator<int>>);
static_assert(std::ranges::forward_range<IteratorRange<ForwardIterator<int>>>);

constexpr int numbers[] = {1, 2, 3};
constexpr char letters[] = {'a', 'b', 'c'};

template <class Vector, class Iterator>
constexpr bool takes_numbers() {
    const Iterator first(numbers);
    const Iterator last(numbers + 3);
    Vector made(first, last);
    bool good = made == Vector{1, 2, 3};
    made.insert(made.begin() + 1, first, last);
    good = good && made == Vector{1, 1, 2, 3, 2, 3};
    made.assign(first, last);
    good = good && made == Vector{1, 2, 3};
    made.assign(last, last);
    return good && made.empty();
}

template <class Iterator>
constexpr bool takes_letters() {
    const Iterator first(letters);
    const Iterator last(letters + 3);
    string made(first, last);
    bool good = made == "abc";
    made.append(first, last).insert(made.begin() + 1, first, last);
    good = good && made == "aabcbcabc";
    made.replace(made.begin(), made.begin() + 6, first, last);
    good = good && made == "abcabc";
    return good && made.assign(first, last) == "abc";
}

TEST_CASE("containers: an input iterator of C++17 is enough", "[from_range]") {
    CHECK(takes_numbers<vector<int>, InputIterator<int>>());
    CHECK(takes_numbers<vector<int>, ForwardIterator<int>>());
    CHECK(takes_numbers<static_vector<int, 9>, InputIterator<int>>());
    CHECK(takes_numbers<static_vector<int, 9>, ForwardIterator<int>>());
    CHECK(takes_letters<InputIterator<char>>());
    CHECK(takes_letters<ForwardIterator<char>>());
    static_assert(takes_numbers<vector<int>, InputIterator<int>>());
    static_assert(takes_numbers<static_vector<int, 9>, InputIterator<int>>());
    static_assert(takes_letters<InputIterator<char>>());
}

TEMPLATE_TEST_CASE("maps: an input iterator of C++17 is enough", "[from_range]",
                   (flat_map<int, int>), (hash_map<int, int>)) {
    using Entry = std::pair<const int, int>;
    const Entry entries[] = {{1, 10}, {2, 20}};
    const InputIterator<Entry> first(entries);
    const InputIterator<Entry> last(entries + 2);
    TestType made(first, last);
    CHECK((made.size() == 2 && made.at(2) == 20));
    made.erase(2);
    made.insert(first, last);
    CHECK((made.size() == 2 && made.at(2) == 20));
}

}  // namespace
}  // namespace cairn
