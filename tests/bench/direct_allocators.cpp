// SPDX-License-Identifier: MIT
// This project's own allocators, called without malloc around them: on the host and on the target.
// Each is behind a function that is not inlined, as a program would call it.
#include <array>
#include <memory>
#include <new>

#include <cairn/bump_allocator.hpp>
#include <cairn/classic_heap.hpp>
#include <cairn/heap/general/heap_cache.hpp>
#include <cairn/panic.hpp>
#include "tests/bench/locked_arena.hpp"
#include "tests/bench/measured_allocator.hpp"

namespace cairn::bench {
namespace {

/// Where something is made again for each measurement, and never destroyed.
template <class T>
class Place {
  public:
    template <class... Arguments>
    T& make(Arguments&&... arguments) {
        return *std::construct_at(get(), std::forward<Arguments>(arguments)...);
    }
    T* operator->() { return std::launder(get()); }
    T& operator*() { return *std::launder(get()); }

  private:
    T* get() { return reinterpret_cast<T*>(storage_.data()); }

    alignas(T) std::array<std::byte, sizeof(T)> storage_{};
};

/// The break alone. What is freed stays used; at the region's end it begins again.
template <Lockable Lock>
struct Bump {
    using Break = BasicBumpAllocator<Lock>;
    static inline constinit Place<Break> bump;
    static inline constinit typename Break::Mark first;

    static void start(Region region) {
        require(bump.make().init(region).has_value(), "the region must serve the break");
        first = bump->mark();
    }
    [[gnu::cold, gnu::noinline]] static void* begin_again(std::size_t size, std::size_t alignment) {
        require(bump->rewind(first).has_value(), "the break can always go back to its start");
        return bump->allocate(size, alignment).value_or(nullptr);
    }
    static void* allocate(std::size_t size) {
        const auto block = bump->allocate(size);
        if (!block) [[unlikely]]
            return begin_again(size, BumpArena::grain);
        return *block;
    }
    static void* allocate_aligned(std::size_t alignment, std::size_t size) {
        const auto block = bump->allocate(size, alignment);
        if (!block) [[unlikely]]
            return begin_again(size, alignment);
        return *block;
    }
    static void free(void* /*block*/) {}

    static constexpr Allocator entry(std::string_view name) {
        return {name, start, allocate, allocate_aligned, free};
    }
};

/// The classical heap, which searches its free blocks by a policy.
template <FitPolicy Fit>
struct Classic {
    static inline constinit Place<BumpAllocator> source;
    static inline constinit Place<ClassicHeap<Fit>> heap;

    static void start(Region region) {
        require(source.make().init(region).has_value(), "the region must serve the break");
        heap.make(*source, ClassicOptions{.owner = "bench"});
    }
    static void* allocate(std::size_t size) { return heap->allocate({size}).value_or(nullptr); }
    static void* allocate_aligned(std::size_t alignment, std::size_t size) {
        return heap->allocate({size, alignment}).value_or(nullptr);
    }
    static void free(void* block) { heap->deallocate(static_cast<std::byte*>(block)); }

    static constexpr Allocator entry(std::string_view name) {
        return {name, start, allocate, allocate_aligned, free, true};
    }
};

// Here a function that is not to be inlined is.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wignored-attributes"

/// A heap on a break, of which it takes all at once: growing is not what is measured. The functions
/// have the heap's own inside them, so that a pair is two calls.
template <class Heap>
struct OnBreak {
    static inline constinit Place<BumpAllocator> source;
    static inline constinit Place<Heap> heap;

    static void start(Region region) {
        require(source.make().init(region).has_value(), "the region must serve the break");
        require(heap.make().init(*source, "bench", {}, region.size).has_value(),
                "the break must serve the heap");
    }
    static void* allocate(std::size_t size) { [[clang::always_inline]] return heap->take(size); }
    static void* allocate_aligned(std::size_t alignment, std::size_t size) {
        return heap->allocate({size, alignment}).value_or(nullptr);
    }
    static void free(void* block) {
        [[clang::always_inline]] heap->give(static_cast<std::byte*>(block));
    }

    static constexpr Allocator entry(std::string_view name) {
        return {name, start, allocate, allocate_aligned, free};
    }
};

#pragma clang diagnostic pop

/// The default heap: what harts share, and one hart's cache, which `tp` leads to on the target.
struct Cached {
    static inline constinit Place<BumpAllocator> source;
    static inline constinit Place<HeapCore> core;
    static inline constinit thread_local Place<HeapCache> cache;

    static void start(Region region) {
        require(source.make().init(region).has_value(), "the region must serve the break");
        require(core.make().init(*source, "bench").has_value(), "the break must serve the heap");
        cache.make(*core).open();
    }
    static void* allocate(std::size_t size) { return cache->take(size); }
    static void* allocate_aligned(std::size_t alignment, std::size_t size) {
        return cache->take(size, alignment);
    }
    static void free(void* block) { cache->give(static_cast<std::byte*>(block)); }
    static void free_sized(void* block, std::size_t size) {
        cache->give(static_cast<std::byte*>(block), {size});
    }

    static constexpr Allocator entry(std::string_view name) {
        return {name, start, allocate, allocate_aligned, free, false, allocate, free, free_sized};
    }
};

// --- what one call costs -------------------------------------------------------------------------

using Call = void*(void* allocator, std::size_t size);

void* call_nothing(void* allocator, std::size_t /*size*/) {
    return allocator;
}
template <Lockable Lock>
void* call_bump(void* allocator, std::size_t size) {
    return static_cast<BasicBumpAllocator<Lock>*>(allocator)->allocate(size).value_or(nullptr);
}

/// Through a volatile pointer, so that the compiler does not learn which function it is.
[[gnu::noinline]] void call_rounds(Call* function, void* allocator, std::size_t rounds) {
    Call* volatile unknown = function;
    Call* const called = unknown;
    for (std::size_t round = 0; round < rounds; ++round)
        called(allocator, 64);
}

template <Lockable Lock>
constexpr Loop bump_call(std::string_view name) {
    return {name, "call", Bump<Lock>::start,
            [](std::size_t rounds) { call_rounds(call_bump<Lock>, &*Bump<Lock>::bump, rounds); }};
}

// --- what is inlined -----------------------------------------------------------------------------

/// What a program would make with `new`.
struct Thing {
    std::array<std::byte, 64> bytes;
};

/// So that nothing is left out because nobody looks.
void look_at(void*& thing) {
    asm volatile("" : "+r"(thing) : : "memory");
}

[[gnu::noinline]] void nothing_typed(std::size_t rounds) {
    for (std::size_t round = 0; round < rounds; ++round) {
        void* thing = &round;
        look_at(thing);
    }
}

[[gnu::noinline]] void new_and_delete(std::size_t rounds) {
    for (std::size_t round = 0; round < rounds; ++round) {
        void* thing = Cached::cache->take(sizeof(Thing));
        look_at(thing);
        Cached::cache->give(static_cast<std::byte*>(thing), {sizeof(Thing)});
    }
}

constexpr std::array all_allocators{
    null_allocator,
    Bump<Spinlock>::entry("bump-spinlock"),
    Bump<NullLock>::entry("bump-no-lock"),
    Cached::entry("heap"),
    OnBreak<LockedArena>::entry("tlsf-spinlock"),
    Classic<FirstFit>::entry("first-fit"),
    Classic<NextFit>::entry("next-fit"),
    Classic<BestFit>::entry("best-fit"),
};

constexpr std::array all_loops{
    Loop{"call", "", nullptr,
         [](std::size_t rounds) { call_rounds(call_nothing, nullptr, rounds); }},
    bump_call<Spinlock>("call-bump-spinlock"),
    bump_call<NullLock>("call-bump-no-lock"),
    Loop{"typed", "", nullptr, nothing_typed},
    Loop{"typed-heap", "typed", Cached::start, new_and_delete},
};

}  // namespace

std::span<const Allocator> allocators() {
    return all_allocators;
}

std::span<const Loop> loops() {
    return all_loops;
}

}  // namespace cairn::bench
