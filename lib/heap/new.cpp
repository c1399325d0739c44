// SPDX-License-Identifier: MIT
// The global operator new and delete, in all their forms, on the global bump allocator.
//
// Out of memory: the plain forms panic with a sentence (there are no exceptions to throw), the
// nothrow forms return nullptr. Code that works on behalf of a guest uses only forms that can say
// no: nothrow new, or the try_ functions of allocators and containers.
// delete: a sized delete of the last block gives it back; every other one leaves the block used.
#include <new>

#include "lib/heap/global_heap.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

constinit BumpAllocator heap;

[[noreturn, gnu::cold, gnu::noinline]] void panic_out_of_memory(std::size_t size,
                                                                std::size_t alignment) {
    panic_format("operator new: {}: {} bytes with alignment {} asked for, {} of {} left",
                 to_string(BumpArena::refusal(alignment)), size, alignment, heap.remaining(),
                 heap.capacity());
}

inline void* allocate_or_null(std::size_t size, std::size_t alignment) {
    return heap.allocate(size, alignment).value_or(nullptr);
}

inline void* allocate_or_panic(std::size_t size, std::size_t alignment) {
    void* const block = allocate_or_null(size, alignment);
    if (block == nullptr) [[unlikely]]
        panic_out_of_memory(size, alignment);
    return block;
}

inline void release(void* block, std::size_t size) {
    if (block == nullptr) return;
    [[maybe_unused]] const auto given_back = heap.free_last(block, size);
}

constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
static_assert(plain <= BumpArena::grain);

constexpr std::size_t to_size(std::align_val_t alignment) {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

BumpAllocator& global_heap() {
    return heap;
}

bool resize_in_place(void* block, std::size_t old_size, std::size_t new_size) noexcept {
    return heap.resize_last(block, old_size, new_size).has_value();
}

}  // namespace cairn

// clang-format off
void* operator new(std::size_t size) { return cairn::allocate_or_panic(size, cairn::plain); }
void* operator new[](std::size_t size) { return cairn::allocate_or_panic(size, cairn::plain); }
void* operator new(std::size_t size, std::align_val_t alignment) { return cairn::allocate_or_panic(size, cairn::to_size(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return cairn::allocate_or_panic(size, cairn::to_size(alignment)); }

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return cairn::allocate_or_null(size, cairn::plain); }
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return cairn::allocate_or_null(size, cairn::plain); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept { return cairn::allocate_or_null(size, cairn::to_size(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept { return cairn::allocate_or_null(size, cairn::to_size(alignment)); }

void operator delete(void* block, std::size_t size) noexcept { cairn::release(block, size); }
void operator delete[](void* block, std::size_t size) noexcept { cairn::release(block, size); }
void operator delete(void* block, std::size_t size, std::align_val_t /*alignment*/) noexcept { cairn::release(block, size); }
void operator delete[](void* block, std::size_t size, std::align_val_t /*alignment*/) noexcept { cairn::release(block, size); }

// Without the size nothing can be given back.
void operator delete(void* /*block*/) noexcept {}
void operator delete[](void* /*block*/) noexcept {}
void operator delete(void* /*block*/, std::align_val_t /*alignment*/) noexcept {}
void operator delete[](void* /*block*/, std::align_val_t /*alignment*/) noexcept {}
void operator delete(void* /*block*/, const std::nothrow_t& /*tag*/) noexcept {}
void operator delete[](void* /*block*/, const std::nothrow_t& /*tag*/) noexcept {}
void operator delete(void* /*block*/, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept {}
void operator delete[](void* /*block*/, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept {}
// clang-format on
