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

#include "cairn/layout.hpp"
#include "cairn/panic.hpp"

#include CAIRN_MALLOC_CALLS

namespace {

using namespace cairn;
using enum Family;

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

// `how`: what an operator new was called with besides the size and the alignment. The rest of each
// `take` is a function of its own, so that what is at hand is given with nothing kept over a call.
// Shaped for: "Instructions on the host".

template <Family family, class... How>
[[gnu::noinline]] void* take_slowly(std::size_t size, const How&... how) {
    std::byte* const block = calls::take(size, family);
    return block != nullptr ? block : calls::adopt(refuse(size, how...), family);
}

template <Family family, class... How>
[[gnu::always_inline]] inline void* take(std::size_t size, const How&... how) {
    if (void* const block = calls::take_at_hand(size)) [[likely]]
        return block;
    return take_slowly<family>(size, how...);
}

template <Family family, class... How>
[[gnu::noinline]] void* take_aligned_slowly(std::size_t size, std::align_val_t alignment,
                                            const How&... how) {
    const auto boundary = static_cast<std::size_t>(alignment);
    std::byte* const block =
        std::has_single_bit(boundary) ? calls::take(size, boundary, family) : nullptr;
    return block != nullptr ? block : calls::adopt(refuse(size, alignment, how...), family);
}

template <Family family, class... How>
[[gnu::always_inline]] inline void* take(std::size_t size, std::align_val_t alignment,
                                         const How&... how) {
    if (void* const block = calls::take_at_hand(size, static_cast<std::size_t>(alignment)))
        [[likely]]
        return block;
    return take_aligned_slowly<family>(size, alignment, how...);
}

[[gnu::always_inline]] inline void give(Family family, void* block) {
    calls::give(block, family);
}

[[gnu::always_inline]] inline void give(Family family, void* block, std::size_t size,
                                        std::align_val_t alignment = std::align_val_t{plain}) {
    calls::give(block, size, static_cast<std::size_t>(alignment), family);
}

}  // namespace

#pragma GCC visibility push(default)
// clang-format off
void* operator new(std::size_t size) { return take<one>(size); }
void* operator new[](std::size_t size) { return take<many>(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take<aligned_one>(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return take<aligned_many>(size, alignment); }

void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept { return take<one>(size, tag); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return take<many>(size, tag); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return take<aligned_one>(size, alignment, tag); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return take<aligned_many>(size, alignment, tag); }

void operator delete(void* block) noexcept { give(one, block); }
void operator delete[](void* block) noexcept { give(many, block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { give(aligned_one, block); }
void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept { give(aligned_many, block); }
void operator delete(void* block, std::size_t size) noexcept { give(one, block, size); }
void operator delete[](void* block, std::size_t size) noexcept { give(many, block, size); }
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept { give(aligned_one, block, size, alignment); }
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept { give(aligned_many, block, size, alignment); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept { give(one, block); }
void operator delete[](void* block, const std::nothrow_t& /*tag*/) noexcept { give(many, block); }
void operator delete(void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { give(aligned_one, block); }
void operator delete[](void* block, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept { give(aligned_many, block); }
// clang-format on
#pragma GCC visibility pop
