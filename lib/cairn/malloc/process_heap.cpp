// SPDX-License-Identifier: MIT
#include "cairn/malloc/process_heap.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_nothing.hpp"
#include "cairn/heap/store/slot_depot.hpp"
#include "cairn/heap/thread_exit.hpp"
#include "cairn/malloc/window.hpp"
#include "cairn/malloc/zero_blocks.hpp"
#include "cairn/print.hpp"

#include CAIRN_MALLOC_CALLS

namespace cairn::process_heap {

namespace {

// Shaped for: "Instructions on the host".
[[gnu::cold, gnu::noinline]] bool start();

}  // namespace

constinit Core core(start);
constinit thread_local Cache cache(core);

namespace {

/// How much is freed before what is free goes back to the system: taking it anew costs time.
constexpr std::size_t kept_free = std::size_t{32} << 20;

constinit BumpAllocator source;
constinit ZeroBlocks zero_blocks;
constinit SlotDepot depot;
constinit Spinlock starting;
constinit std::atomic<bool> started = false;
constinit std::atomic<bool> dying = false;

// --- the end of things ---------------------------------------------------------------------------

/// Takes the memory behind free pages back; they are zero when they are used again.
void return_memory(void* /*context*/, std::byte* base, std::size_t size) {
    const int before = errno;
    ::madvise(base, size, MADV_DONTNEED);
    errno = before;
}

// --- fork ----------------------------------------------------------------------------------------

/// What this fork holds: a signal's handler may have interrupted who holds it, in the only thread.
/// That one goes on in the child, too.
constinit bool calls_held = false;
constinit bool core_held = false;
constinit bool depot_held = false;

/// Takes a lock if it is free, or `waits` for it: whether it was got.
template <Lockable Lock>
bool hold(Lock& lock, bool waits) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (lock.try_lock()) return true;
    if (waits) lock.lock();
    return waits;
}

void before_fork() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    const bool alone = __libc_single_threaded != 0;
    calls_held = calls::hold(!alone);
    core_held = hold(core, !alone);
    depot_held = hold(depot, !alone);
}
void after_fork() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (depot_held) depot.unlock();
    if (core_held) core.unlock();
    if (calls_held) calls::let_go();
}
void in_child() CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (core_held) core.forget_caches_but(cache);
    after_fork();
}

// --- the start -----------------------------------------------------------------------------------

/// The heap has found nothing, and asks if anybody else has.
bool say_no(void* /*context*/, std::size_t /*wanted*/) {
    errno = ENOMEM;
    return false;
}

/// Whether there is a heap, which this call may have made.
bool make_heap() {
    const SpinGuard guard(starting);
    if (started.load(std::memory_order_relaxed)) return true;
    const Region reserved = window::reserve();
    const Region first{.base = reserved.base, .size = heap_page};
    if (reserved.base == nullptr ||
        !source.init(first, window::make_ready, reserved.size - heap_page)) {
        return false;
    }
    core.set_depot(depot);
    core.set_cache_hook(close_at_thread_exit);
    if (!core.init(source, "malloc", {.function = die}, true)) return false;
    const auto gap = source.allocate(window::gap(), heap_page);
    if (gap && window::forbid({*gap, window::gap()})) zero_blocks.init({*gap, window::gap()});
    core.set_releaser({.function = return_memory, .kept = kept_free});
    core.set_reclaimer({.function = say_no});
    started.store(true, std::memory_order_release);
    return true;
}

bool start() {
    if (started.load(std::memory_order_acquire)) return true;
    if (!make_heap()) return say_no(nullptr, 0);
    // May call malloc. As early as this, so that the lock is the last that is taken before a fork:
    // other handlers may want memory. Twice, when two threads start, does not happen: a thread is
    // made with memory.
    ::pthread_atfork(before_fork, after_fork, in_child);
    return true;
}

}  // namespace

/// Whoever handles SIGABRT may want the heap; but a second fault is the last.
void die(void* /*context*/, const HeapFault& fault) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    core.unlock();
    calls::let_go();
    if (dying.exchange(true)) ::signal(SIGABRT, SIG_DFL);
    panic_format("{}", fault);
}

std::byte* take_zeroed(std::size_t size) {
    constexpr std::size_t by_the_kernel = std::size_t{1} << 20;
    std::byte* const block = cache.take(size);
    if (block == nullptr) return nullptr;
    const auto fresh = align_up(size, heap_page);
    if (fresh && size >= by_the_kernel && ::madvise(block, *fresh, MADV_DONTNEED) == 0)
        return block;
    std::memset(block, 0, size);
    return block;
}

std::size_t usable_size(void* block) {
    auto* const bytes = static_cast<std::byte*>(block);
    if (!cache.open() || is_untouchable(bytes)) return 0;
    if (!cache.is_live(bytes)) {
        cache.give(bytes);  // reports it; if another thread has it by now, it did not
        die(nullptr, {.kind = HeapFaultKind::double_free, .address = bytes, .owner = "malloc"});
    }
    return cache.usable_size(bytes);
}

std::byte* take_untouchable() {
    return cache.open() ? zero_blocks.take() : nullptr;
}

bool is_untouchable(const void* block) {
    return zero_blocks.is_live(block);
}

}  // namespace cairn::process_heap

namespace cairn {

std::byte* take_nothing(HeapCache& cache) {
    std::byte* const block = process_heap::take_untouchable();
    return block != nullptr ? block : cache.take(1);
}

bool give_nothing(const std::byte* block) {
    using enum ZeroBlocks::Given;
    const auto given = process_heap::zero_blocks.give(block);
    if (given == free_already) {
        process_heap::die(nullptr, {HeapFaultKind::double_free, block, 0, "malloc"});
    }
    return given == taken_back;
}

}  // namespace cairn
