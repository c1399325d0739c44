// SPDX-License-Identifier: MIT
// `cairn::from_range`, the tag of constructors that take a range: std::from_range where the
// standard library has it (libc++, libstdc++ 14), and one of our own where it does not (libstdc++
// 12).
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

}  // namespace cairn
