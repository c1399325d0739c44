// SPDX-License-Identifier: MIT
#include "cairn/malloc/window.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "cairn/bits.hpp"
#include "cairn/byte_size.hpp"
#include "cairn/heap/store/page_heap.hpp"
#include "cairn/heap/store/slab_geometry.hpp"

namespace cairn::window {
namespace {

constinit Region all;         // with the gaps
constinit Region ready;       // from the base on
constexpr int pieces = 1024;  // a gap is one

/// What was asked for, or the usual size, at most half of what the process may map, as thread
/// stacks and files need some too; and with descriptors in at most a quarter of what it may write
/// to.
std::size_t wanted() {
    std::size_t size = usual;
    if (const char* const text = ::secure_getenv(variable)) {
        const auto asked = parse_byte_size(text);
        if (asked) size = std::clamp<std::size_t>(*asked, smallest, usual);
    }
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        size = std::min<std::size_t>(size, limit.rlim_cur / 2);
    }
    if (::getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        while (size > smallest && PageHeap::metadata_size(size / heap_page) * 4 > limit.rlim_cur)
            size /= 2;
    }
    return align_down(size, heap_page);
}

/// In a dump of the process, too.
bool allow(std::byte* base, std::size_t size) {
    if (::mprotect(base, size, PROT_READ | PROT_WRITE) != 0) return false;
    ::madvise(base, size, MADV_DODUMP);
    return true;
}

/// Whether the system would make the heap's start accessible: descriptors, gap and a first MiB.
bool can_start() {
    constexpr std::size_t first = smallest / 16;
    const std::size_t least =
        PageHeap::metadata_size(all.size / heap_page) + gap() + std::min(first, all.size / 4);
    const Region start{.base = ready.base, .size = align_down(least, heap_page)};
    return allow(start.base, start.size) && forbid(start) && allow(ready.base, ready.size);
}

}  // namespace

std::size_t gap() {
    return align_down(all.size / pieces, heap_page) + heap_page;
}

Region reserve() {
    if (all.base != nullptr) return {};
    for (std::size_t size = wanted(); size >= smallest / 2; size /= 2) {
        size = align_down(size, heap_page);
        void* const base =
            ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) continue;
        all = {.base = static_cast<std::byte*>(base), .size = size};
        ready = {.base = all.base + gap(), .size = heap_page};
        ::madvise(base, size, MADV_DONTDUMP);
        if (can_start()) return {.base = ready.base, .size = all.size - 2 * gap()};
        ::munmap(base, size);
        all = {};
    }
    return {};
}

/// A sixteenth more where much is ready already: calls of the system are not to count.
std::expected<Region, RegionError> make_ready(std::size_t size) {
    constexpr std::size_t much = std::size_t{256} << 20;  // with the descriptors
    std::byte* const base = ready.base + ready.size;
    const auto left = static_cast<std::size_t>(all.base + all.size - gap() - base);
    const auto least = align_up(size, heap_page);
    if (!least || *least > left) return std::unexpected(RegionError::empty);
    const std::size_t more = align_down((ready.size - std::min(ready.size, much)) / 16, heap_page);
    std::size_t length = std::min(std::max(*least, more), left);
    if (!allow(base, length)) {
        length = *least;
        if (!allow(base, length)) return std::unexpected(RegionError::refused);
    }
    ready.size += length;
    return Region{.base = base, .size = length};
}

bool covers(const void* address) {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(all.base) <
           all.size;
}

bool forbid(Region pages) {
    ::madvise(pages.base, pages.size, MADV_DONTDUMP);
    return ::mprotect(pages.base, pages.size, PROT_NONE) == 0;
}

}  // namespace cairn::window
