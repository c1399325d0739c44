// SPDX-License-Identifier: MIT
#include "cairn/malloc/window.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "cairn/bits.hpp"
#include "cairn/byte_size.hpp"
#include "cairn/heap/store/slab_geometry.hpp"

namespace cairn::window {
namespace {

constinit Region all;         // with the gaps
constinit Region ready;       // from the base on
constexpr int pieces = 1024;  // a gap is one

/// What was asked for, or the usual size, at most half of what the process may map: thread stacks
/// and files need some too.
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
    return align_down(size, heap_page);
}

bool allow(std::byte* base, std::size_t size) {
    return ::mprotect(base, size, PROT_READ | PROT_WRITE) == 0;
}

}  // namespace

std::size_t gap() {
    return align_down(all.size / pieces, heap_page) + heap_page;
}

Region reserve() {
    for (std::size_t size = wanted(); size >= smallest / 2; size /= 2) {
        size = align_down(size, heap_page);
        void* const base =
            ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) continue;
        all = {.base = static_cast<std::byte*>(base), .size = size};
        ready = {.base = all.base + gap(), .size = heap_page};
        if (!allow(ready.base, ready.size)) return {};
        return {.base = ready.base, .size = all.size - 2 * gap()};
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
    return ::mprotect(pages.base, pages.size, PROT_NONE) == 0;
}

}  // namespace cairn::window
