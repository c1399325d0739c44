// SPDX-License-Identifier: MIT
#include "cairn/malloc/hardened_heap.hpp"

#include <sys/mman.h>

#include <bit>
#include <cerrno>

#include "cairn/heap/general/heap_nothing.hpp"
#include "cairn/malloc/hardened_calls.hpp"
#include "cairn/panic.hpp"
#include "cairn/print.hpp"

namespace cairn::process_heap {
namespace {

constexpr HardenedOptions options{.quarantine_bytes = std::size_t{16} << 20,
                                  .most_guarded = 12'000,
                                  .fresh = std::byte{},
                                  .freed = std::byte{},
                                  .look_back = true};
constinit Caches caches;

/// Never destroyed: destructors of the program may free and allocate until the end.
union Place {
    constexpr Place() : heap(caches, "malloc", {.function = die}, options) {}
    constexpr ~Place() {}
    HardenedHeap heap;
};
constinit Place place;

bool change(Region pages, int access) {
    const int before = errno;
    const bool done = pages.size == 0 || ::mprotect(pages.base, pages.size, access) == 0;
    errno = before;
    return done;
}

[[gnu::destructor]] void look_at_all() {
    (void)place.heap.check_all();
}

}  // namespace

constinit Spinlock ForkLock::held;
constinit thread_local bool ForkLock::mine = false;
constinit thread_local const std::byte* asked = nullptr;

HardenedHeap& hardened_heap() {
    return place.heap;
}

bool KernelPages::protect(Region pages) {
    return change(pages, PROT_NONE);
}

bool KernelPages::unprotect(Region pages) {
    return change(pages, PROT_READ | PROT_WRITE);
}

bool KernelPages::discard(Region pages) {
    const int before = errno;
    const bool done = pages.size == 0 || ::madvise(pages.base, pages.size, MADV_DONTNEED) == 0;
    errno = before;
    return done;
}

}  // namespace cairn::process_heap

namespace cairn::calls {

using process_heap::asked;
using process_heap::ForkLock;
using process_heap::hardened_heap;

namespace {

std::byte* bytes_of(void* block) {
    return static_cast<std::byte*>(block);
}

/// Ends the process where a block goes back by another function than it must.
void give(std::byte* block, std::optional<Layout> layout, Family family) {
    asked = block;
    const auto another =
        hardened_heap().deallocate_marked(block, layout, static_cast<std::uint8_t>(family));
    if (!another) return;
    panic_format(
        "heap 'malloc': wrong function: the block at {} ({} bytes) was allocated by {} and "
        "is given back by {}",
        static_cast<const void*>(block), another->size, taker(static_cast<Family>(another->mark)),
        giver(family));
}

}  // namespace

std::byte* take(std::size_t size, std::size_t alignment, Family family) {
    const auto block =
        hardened_heap().allocate({size, alignment}, static_cast<std::uint8_t>(family));
    if (block) return *block;
    errno = ENOMEM;
    return nullptr;
}

std::byte* take(std::size_t size, Family family) {
    if (size == 0) {
        if (std::byte* const block = process_heap::take_untouchable()) return block;
    }
    return take(size, default_alignment, family);
}

std::byte* take_pages(std::size_t size) {
    return take(size, heap_page, Family::malloc);
}

std::byte* take_zeroed(std::size_t size) {
    return take(size, Family::malloc);
}

void* adopt(void* block, Family family) {
    if (block != nullptr && hardened_heap().find(bytes_of(block))) {
        hardened_heap().set_mark(bytes_of(block), static_cast<std::uint8_t>(family));
    }
    return block;
}

void give(void* block, Family family) {
    if (block == nullptr || give_nothing(bytes_of(block))) return;
    give(bytes_of(block), std::nullopt, family);
}

void give(void* block, std::size_t size, std::size_t alignment, Family family) {
    if (block == nullptr || (size == 0 && give_nothing(bytes_of(block)))) return;
    give(bytes_of(block), Layout{size, alignment}, family);
}

std::size_t usable_size(void* block) {
    asked = bytes_of(block);
    if (process_heap::is_untouchable(block) || !hardened_heap().check(bytes_of(block))) return 0;
    return hardened_heap().usable_size(bytes_of(block));
}

bool try_resize(void* block, std::size_t /*usable*/, std::size_t size) {
    if (process_heap::is_untouchable(block)) return false;
    const auto found = hardened_heap().find(bytes_of(block));
    return found && hardened_heap().try_resize(bytes_of(block), found->layout(), size);
}

bool hold(bool waits) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    ForkLock lock;
    if (!waits) return !ForkLock::mine && lock.try_lock();
    lock.lock();
    return true;
}

void let_go() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (ForkLock::mine) ForkLock().unlock();
}

}  // namespace cairn::calls
