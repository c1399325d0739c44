// SPDX-License-Identifier: MIT
// What malloc and operator new are in libcairn_malloc_hardened.so: a Hardened around the process's
// heap (lib/cairn/hardened.hpp). The functions are those of quick_calls.hpp; CMakeLists.txt
// chooses.
#pragma once

#include <cstddef>

#include "cairn/malloc/family.hpp"

namespace cairn::calls {

inline constexpr bool exact = true;

[[nodiscard]] std::byte* take(std::size_t size, std::size_t alignment, Family family);
[[nodiscard]] std::byte* take(std::size_t size, Family family);
[[nodiscard]] inline std::byte* take_at_hand(std::size_t /*size*/) {
    return nullptr;
}
[[nodiscard]] inline std::byte* take_at_hand(std::size_t /*size*/, std::size_t /*alignment*/) {
    return nullptr;
}
[[nodiscard]] std::byte* take_pages(std::size_t size);
/// As every block is.
[[nodiscard]] std::byte* take_zeroed(std::size_t size);
[[nodiscard]] void* adopt(void* block, Family family);

void give(void* block, Family family);
void give(void* block, std::size_t size, std::size_t alignment, Family family);

[[nodiscard]] std::size_t usable_size(void* block);
[[nodiscard]] bool try_resize(void* block, std::size_t usable, std::size_t size);

bool hold(bool waits);
void let_go();

}  // namespace cairn::calls
