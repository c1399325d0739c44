// SPDX-License-Identifier: MIT
// This project's own allocators, called without malloc around them: on the host and on the target.
// Each is behind a function that is not inlined, as a program would call it.
#include <array>
#include <memory>
#include <new>

#include "lib/heap/bump_allocator.hpp"
#include "lib/panic.hpp"
#include "tests/bench/allocator.hpp"

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

constexpr std::array list{
    null_allocator,
    Bump<Spinlock>::entry("bump-spinlock"),
    Bump<NullLock>::entry("bump-no-lock"),
};

}  // namespace

std::span<const Allocator> allocators() {
    return list;
}

}  // namespace cairn::bench
