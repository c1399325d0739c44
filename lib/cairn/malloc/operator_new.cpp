// SPDX-License-Identifier: MIT
// The global operator new and delete of hosted C++ programs.
//
// What is to happen when there is no memory (new handlers, std::bad_alloc) is the business of the
// program's C++ library, which this one does without: the next operator new in search order is
// asked then. It calls malloc, is refused as well, and does what it does. Its exceptions pass
// through here (the build says -fno-exceptions, and unwind tables).
#include <dlfcn.h>

#include <bit>
#include <new>

#include "cairn/malloc/process_heap.hpp"
#include "cairn/panic.hpp"

namespace {

using namespace cairn;

constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
static_assert(plain <= default_alignment);

/// The next definition after ours; or that of a C++ library which the program loaded for one of
/// its parts alone; or nullptr.
template <class Function>
Function* find_next(const char* name) {
    if (void* const next = ::dlsym(RTLD_NEXT, name)) return reinterpret_cast<Function*>(next);
    for (const char* const library : {"libstdc++.so.6", "libc++.so.1"}) {
        void* const handle = ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
        void* const next = handle == nullptr ? nullptr : ::dlsym(handle, name);
        if (next != nullptr) return reinterpret_cast<Function*>(next);
    }
    return nullptr;
}

void* refuse(std::size_t size) {
    auto* const next = find_next<void*(std::size_t)>("_Znwm");
    require(next != nullptr, "operator new: out of memory, and no C++ library to say so");
    return next(size);
}

void* refuse(std::size_t size, std::align_val_t alignment) {
    auto* const next = find_next<void*(std::size_t, std::align_val_t)>("_ZnwmSt11align_val_t");
    require(next != nullptr, "operator new: out of memory, and no C++ library to say so");
    return next(size, alignment);
}

void* refuse(std::size_t size, const std::nothrow_t& tag) {
    auto* const next = find_next<void*(std::size_t, const std::nothrow_t&)>("_ZnwmRKSt9nothrow_t");
    return next == nullptr ? nullptr : next(size, tag);
}

void* refuse(std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) {
    auto* const next = find_next<void*(std::size_t, std::align_val_t, const std::nothrow_t&)>(
        "_ZnwmSt11align_val_tRKSt9nothrow_t");
    return next == nullptr ? nullptr : next(size, alignment, tag);
}

/// `how`: what an operator new was called with besides the size and the alignment.
template <class... How>
void* take(std::size_t size, const How&... how) {
    std::byte* const block = process_heap::take(size);
    if (block == nullptr) [[unlikely]]
        return refuse(size, how...);
    return block;
}

template <class... How>
void* take(std::size_t size, std::align_val_t alignment, const How&... how) {
    const auto boundary = static_cast<std::size_t>(alignment);
    std::byte* const block =
        std::has_single_bit(boundary) ? process_heap::take(size, boundary) : nullptr;
    if (block == nullptr) [[unlikely]]
        return refuse(size, alignment, how...);
    return block;
}

void give(void* block) {
    process_heap::give(block);
}

void give(void* block, std::size_t size, std::align_val_t alignment = std::align_val_t{plain}) {
    process_heap::cache.give(static_cast<std::byte*>(block),
                             {size, static_cast<std::size_t>(alignment)});
}

}  // namespace

#pragma GCC visibility push(default)
// clang-format off
void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return take(size, alignment); }

void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept { return take(size, tag); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return take(size, tag); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return take(size, alignment, tag); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return take(size, alignment, tag); }

void operator delete(void* block) noexcept { give(block); }
void operator delete[](void* block) noexcept { give(block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { give(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept { give(block); }
void operator delete(void* block, std::size_t size) noexcept { give(block, size); }
void operator delete[](void* block, std::size_t size) noexcept { give(block, size); }
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept { give(block, size, alignment); }
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept { give(block, size, alignment); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept { give(block); }
void operator delete[](void* block, const std::nothrow_t& /*tag*/) noexcept { give(block); }
void operator delete(void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { give(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { give(block); }
// clang-format on
#pragma GCC visibility pop
