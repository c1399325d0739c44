// SPDX-License-Identifier: MIT
// The malloc family, as C23 and POSIX 2024 have it; where they leave a choice, glibc's.
#include <sys/types.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cairn/bits.hpp"
#include "cairn/malloc/process_heap.hpp"

namespace {

using namespace cairn;

void* refuse(int error) {
    errno = error;
    return nullptr;
}

[[gnu::always_inline]] inline void* take_aligned(std::size_t alignment, std::size_t size) {
    if (alignment == heap_page) return process_heap::cache.take_pages(size);
    if (!std::has_single_bit(alignment)) [[unlikely]]
        return refuse(EINVAL);
    return process_heap::take(size, alignment);
}

/// What a block gets besides when it had to be moved to grow: it may well grow again, and copying
/// large ones each time would take time without end.
constexpr std::size_t slack(std::size_t usable, std::size_t size) {
    return size > usable && usable > largest_block ? size / 8 : 0;
}

/// A block in another place, with the old one's contents.
void* move_block(void* old, std::size_t usable, std::size_t size) {
    const std::size_t extra = slack(usable, size);
    const int before = errno;
    std::byte* moved = extra == 0 ? nullptr : process_heap::take(size + extra);
    if (moved == nullptr) {
        errno = before;
        moved = process_heap::take(size);
    }
    if (moved == nullptr && size <= usable) {
        errno = before;
        return old;
    }
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, old, std::min(usable, size));
    process_heap::give(old);
    return moved;
}

/// What is left over: too little to give back, or not enough to move the rest for.
constexpr std::size_t negligible(std::size_t usable) {
    return usable / 8;
}
constexpr std::size_t tolerable(std::size_t usable) {
    return usable / 2;
}

void* resize(void* old, std::size_t size) {
    const std::size_t usable = process_heap::usable_size(old);
    const std::size_t left = usable - size;
    if (size <= usable && left <= negligible(usable)) return old;
    if (process_heap::cache.try_resize(static_cast<std::byte*>(old), {.size = usable}, size)) {
        return old;
    }
    if (size <= usable && left <= tolerable(usable)) return old;
    return move_block(old, usable, size);
}

}  // namespace

#define CAIRN_EXPORT extern "C" [[gnu::visibility("default")]]

CAIRN_EXPORT void* malloc(std::size_t size) {
    return process_heap::take(size);
}

CAIRN_EXPORT void free(void* block) {
    process_heap::give(block);
}

CAIRN_EXPORT void* calloc(std::size_t count, std::size_t size) {
    const auto bytes = checked_multiply(count, size);
    return bytes ? process_heap::take_zeroed(*bytes) : refuse(ENOMEM);
}

/// Of zero bytes, it frees; C23 leaves that undefined, programs count on it.
CAIRN_EXPORT void* realloc(void* block, std::size_t size) {
    if (block == nullptr) return process_heap::take(size);
    if (size != 0) return resize(block, size);
    process_heap::give(block);
    return nullptr;
}

CAIRN_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t size) {
    const auto bytes = checked_multiply(count, size);
    return bytes ? realloc(block, *bytes) : refuse(ENOMEM);
}

CAIRN_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return take_aligned(alignment, size);
}

/// Rounds the alignment up to a power of two.
CAIRN_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
    constexpr std::size_t largest = SIZE_MAX / 2 + 1;
    return alignment > largest ? refuse(EINVAL) : take_aligned(std::bit_ceil(alignment), size);
}

/// Says what is wrong by its value; errno is as it was.
CAIRN_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
    if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    const int before = errno;
    void* const block = process_heap::take(size, alignment);
    errno = before;
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
}

CAIRN_EXPORT void* valloc(std::size_t size) {
    return process_heap::cache.take_pages(size);
}

CAIRN_EXPORT void* pvalloc(std::size_t size) {
    const auto pages = align_up(size, heap_page);
    return pages ? process_heap::take(*pages, heap_page) : refuse(ENOMEM);
}

CAIRN_EXPORT std::size_t malloc_usable_size(void* block) {
    return block == nullptr ? 0 : process_heap::usable_size(block);
}
