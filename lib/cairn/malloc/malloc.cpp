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
#include "cairn/heap/store/slab_geometry.hpp"

#include CAIRN_MALLOC_CALLS

namespace {

using namespace cairn;

void* refuse(int error) {
    errno = error;
    return nullptr;
}

// Shaped for: "Instructions on the host".
[[gnu::noinline]] void* take_aligned_slowly(std::size_t alignment, std::size_t size) {
    if (!std::has_single_bit(alignment)) return refuse(EINVAL);
    void* const block = calls::take(size, alignment, Family::malloc);
    return block != nullptr ? block : refuse(ENOMEM);
}
[[gnu::always_inline]] inline void* take_aligned(std::size_t alignment, std::size_t size) {
    if (alignment == heap_page) return calls::take_pages(size);
    if (void* const block = calls::take_at_hand(size, alignment)) return block;
    return take_aligned_slowly(alignment, size);
}

constexpr std::size_t large = std::size_t{256} << 10;

/// What a block gets besides when it had to be moved to grow: it may well grow again, and copying
/// large ones each time would take time without end.
constexpr std::size_t slack(std::size_t usable, std::size_t size) {
    return !calls::exact && size > usable && usable > large ? size / 8 : 0;
}

/// A block in another place, with the old one's contents.
void* move_block(void* old, std::size_t usable, std::size_t size) {
    const std::size_t extra = slack(usable, size);
    const int before = errno;
    std::byte* moved = extra == 0 ? nullptr : calls::take(size + extra, Family::malloc);
    if (moved == nullptr) {
        errno = before;
        moved = calls::take(size, Family::malloc);
    }
    if (moved == nullptr && size <= usable) {
        errno = before;
        return old;
    }
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, old, std::min(usable, size));
    calls::give(old, Family::malloc);
    return moved;
}

/// What is left over: too little to give back, or not enough to move the rest for.
constexpr std::size_t negligible(std::size_t usable) {
    return usable / 8;
}
constexpr std::size_t tolerable(std::size_t usable) {
    return usable / 2;
}

/// Where blocks are exact, one that stays is cut to its size, or it moves.
void* resize(void* old, std::size_t size) {
    const std::size_t usable = calls::usable_size(old);
    const std::size_t left = usable - size;
    if (!calls::exact && size <= usable && left <= negligible(usable)) return old;
    const bool stays = size <= usable && left <= tolerable(usable);
    if ((!calls::exact || stays) && calls::try_resize(old, usable, size)) return old;
    if (!calls::exact && stays) return old;
    return move_block(old, usable, size);
}

}  // namespace

#define CAIRN_EXPORT extern "C" [[gnu::visibility("default")]]

CAIRN_EXPORT void* malloc(std::size_t size) {
    return calls::take(size, Family::malloc);
}

CAIRN_EXPORT void free(void* block) {
    calls::give(block, Family::malloc);
}

CAIRN_EXPORT void* calloc(std::size_t count, std::size_t size) {
    const auto bytes = checked_multiply(count, size);
    return bytes ? calls::take_zeroed(*bytes) : refuse(ENOMEM);
}

/// Of zero bytes, it frees; C23 leaves that undefined, programs count on it.
CAIRN_EXPORT void* realloc(void* block, std::size_t size) {
    if (block == nullptr) return calls::take(size, Family::malloc);
    if (size != 0) return resize(block, size);
    calls::give(block, Family::malloc);
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
    void* const block = calls::take(size, alignment, Family::malloc);
    errno = before;
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
}

CAIRN_EXPORT void* valloc(std::size_t size) {
    return calls::take_pages(size);
}

CAIRN_EXPORT void* pvalloc(std::size_t size) {
    const auto pages = align_up(size, heap_page);
    return pages ? calls::take(*pages, heap_page, Family::malloc) : refuse(ENOMEM);
}

CAIRN_EXPORT std::size_t malloc_usable_size(void* block) {
    return block == nullptr ? 0 : calls::usable_size(block);
}
