// SPDX-License-Identifier: MIT
// Compiled: into cairn::new alone. A program chooses who replaces its operators.
// The forms of the global operator new and delete that are another form with less, or more, said:
// for arrays, and delete where alignment or tag do not matter.
#include <cstddef>
#include <new>

// Not every compiler's <new> declares these.
void operator delete(void* block, std::size_t size) noexcept;
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept;

// clang-format off
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return operator new(size, alignment); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return operator new(size, alignment, tag); }

void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::size_t size) noexcept { operator delete(block, size); }
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept { operator delete(block, size, alignment); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete[](void* block, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete(void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { operator delete(block); }
// clang-format on
