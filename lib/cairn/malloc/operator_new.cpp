// SPDX-License-Identifier: MIT
// The global operator new and delete of hosted C++ programs.
//
// What is to happen when there is no memory (new handlers, std::bad_alloc) is the business of the
// program's C++ library, which this one does without: the next operator new in search order is
// asked then. It calls malloc, is refused as well, and does what it does. Its exceptions pass
// through here (the build says -fno-exceptions, and unwind tables).
//
// A program may replace some of the forms. Those that the standard makes of them ([new.delete])
// then call the program's.
#include <dlfcn.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <new>

#include "cairn/layout.hpp"
#include "cairn/panic.hpp"

#include CAIRN_MALLOC_CALLS

// Where this library begins and ends: the linker's names.
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start[];  // NOLINT
extern "C" [[gnu::visibility("hidden")]] const char _end[];          // NOLINT

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

// Bits of what the program has replaced, and of what is made of that.
constexpr std::uint8_t unknown = 1, its_one = 2, its_many = 4, its_aligned_one = 8,
                       its_aligned_many = 16;
constinit std::atomic<std::uint8_t> replaced = unknown;

/// Whether calls of a function of ours go elsewhere.
template <class Function>
bool is_elsewhere(Function* function) {
    asm("" : "+r"(function));  // what the dynamic loader has found, not what the compiler knows
    const auto begin = reinterpret_cast<std::uintptr_t>(__ehdr_start);
    return reinterpret_cast<std::uintptr_t>(function) - begin >=
           reinterpret_cast<std::uintptr_t>(_end) - begin;
}

[[gnu::cold, gnu::noinline]] std::uint8_t find_replaced() {
    using Align = std::align_val_t;
    std::uint8_t found = 0;
    if (is_elsewhere<void*(std::size_t)>(&::operator new) ||
        is_elsewhere<void(void*) noexcept>(&::operator delete)) {
        found |= its_one | its_many;
    }
    if (is_elsewhere<void*(std::size_t)>(&::operator new[]) ||
        is_elsewhere<void(void*) noexcept>(&::operator delete[])) {
        found |= its_many;
    }
    if (is_elsewhere<void*(std::size_t, Align)>(&::operator new) ||
        is_elsewhere<void(void*, Align) noexcept>(&::operator delete)) {
        found |= its_aligned_one | its_aligned_many;
    }
    if (is_elsewhere<void*(std::size_t, Align)>(&::operator new[]) ||
        is_elsewhere<void(void*, Align) noexcept>(&::operator delete[])) {
        found |= its_aligned_many;
    }
    replaced.store(found, std::memory_order_relaxed);
    return found;
}

[[gnu::always_inline]] inline bool is(std::uint8_t bit) {
    std::uint8_t found = replaced.load(std::memory_order_relaxed);
    if (found == 0) [[likely]]
        return false;
    if (found == unknown) found = find_replaced();
    return (found & bit) != 0;
}

/// The C++ library's own form, which calls the program's and catches what that throws.
void* ask(const char* name, std::size_t size, const std::nothrow_t& tag) {
    auto* const next = find_next<void*(std::size_t, const std::nothrow_t&)>(name);
    return next == nullptr ? nullptr : next(size, tag);
}
void* ask(const char* name, std::size_t size, std::align_val_t alignment,
          const std::nothrow_t& tag) {
    auto* const next = find_next<void*(std::size_t, std::align_val_t, const std::nothrow_t&)>(name);
    return next == nullptr ? nullptr : next(size, alignment, tag);
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
void* take(Family family, std::size_t size, const How&... how) {
    std::byte* const block = calls::take(size, family);
    if (block == nullptr) [[unlikely]]
        return calls::adopt(refuse(size, how...), family);
    return block;
}

template <class... How>
void* take(Family family, std::size_t size, std::align_val_t alignment, const How&... how) {
    const auto boundary = static_cast<std::size_t>(alignment);
    std::byte* const block =
        std::has_single_bit(boundary) ? calls::take(size, boundary, family) : nullptr;
    if (block == nullptr) [[unlikely]]
        return calls::adopt(refuse(size, alignment, how...), family);
    return block;
}

void give(Family family, void* block) {
    calls::give(block, family);
}

void give(Family family, void* block, std::size_t size,
          std::align_val_t alignment = std::align_val_t{plain}) {
    calls::give(block, size, static_cast<std::size_t>(alignment), family);
}

}  // namespace

#pragma GCC visibility push(default)
// clang-format off
void* operator new(std::size_t size) { return take(one, size); }
void* operator new[](std::size_t size) { return is(its_one) ? ::operator new(size) : take(many, size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take(aligned_one, size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return is(its_aligned_one) ? ::operator new(size, alignment) : take(aligned_many, size, alignment); }

void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept { return is(its_one) ? ask("_ZnwmRKSt9nothrow_t", size, tag) : take(one, size, tag); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return is(its_many) ? ask("_ZnamRKSt9nothrow_t", size, tag) : take(many, size, tag); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return is(its_aligned_one) ? ask("_ZnwmSt11align_val_tRKSt9nothrow_t", size, alignment, tag) : take(aligned_one, size, alignment, tag); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& tag) noexcept { return is(its_aligned_many) ? ask("_ZnamSt11align_val_tRKSt9nothrow_t", size, alignment, tag) : take(aligned_many, size, alignment, tag); }

void operator delete(void* block) noexcept { give(one, block); }
void operator delete[](void* block) noexcept { is(its_one) ? ::operator delete(block) : give(many, block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { give(aligned_one, block); }
void operator delete[](void* block, std::align_val_t alignment) noexcept { is(its_aligned_one) ? ::operator delete(block, alignment) : give(aligned_many, block); }
void operator delete(void* block, std::size_t size) noexcept { is(its_one) ? ::operator delete(block) : give(one, block, size); }
void operator delete[](void* block, std::size_t size) noexcept { is(its_many) ? ::operator delete[](block) : give(many, block, size); }
void operator delete(void* block, std::size_t size, std::align_val_t alignment) noexcept { is(its_aligned_one) ? ::operator delete(block, alignment) : give(aligned_one, block, size, alignment); }
void operator delete[](void* block, std::size_t size, std::align_val_t alignment) noexcept { is(its_aligned_many) ? ::operator delete[](block, alignment) : give(aligned_many, block, size, alignment); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept { is(its_one) ? ::operator delete(block) : give(one, block); }
void operator delete[](void* block, const std::nothrow_t& /*tag*/) noexcept { is(its_many) ? ::operator delete[](block) : give(many, block); }
void operator delete(void* block, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept { is(its_aligned_one) ? ::operator delete(block, alignment) : give(aligned_one, block); }
void operator delete[](void* block, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept { is(its_aligned_many) ? ::operator delete[](block, alignment) : give(aligned_many, block); }
// clang-format on
#pragma GCC visibility pop
