// SPDX-License-Identifier: MIT
// `cairn::from_range`, the tag of constructors that take a range: std::from_range where the
// standard library has it (libc++, libstdc++ 14), and one of our own where it does not (libstdc++
// 12). And two iterators as a range.
#pragma once

#include <ranges>
#include <version>

namespace cairn {

#if defined(__cpp_lib_containers_ranges) || defined(__cpp_lib_ranges_to_container)
using std::from_range;
using std::from_range_t;
#else
struct from_range_t {
    explicit from_range_t() = default;
};
inline constexpr from_range_t from_range{};
#endif

/// What a range-for walks, and a range where these are iterators of C++20. An input iterator of
/// C++17 need have no default constructor, which std::ranges::subrange wants.
template <class Iterator>
struct IteratorRange {
    constexpr Iterator begin() const { return first; }
    constexpr Iterator end() const { return last; }

    Iterator first;
    Iterator last;
};

template <class Iterator>
IteratorRange(Iterator, Iterator) -> IteratorRange<Iterator>;

}  // namespace cairn
