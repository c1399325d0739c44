// SPDX-License-Identifier: MIT
// An allocator inside its lock, for several harts or threads: whatever has none of its own, as
// arenas, pools and the blocks of a classical heap. The lock is held for the length of one call of
// A, and A's calls to its own source happen under it: in the lock order it comes before theirs.
#pragma once

#include <cstddef>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

template <ByteAllocator A, Lockable Lock = Spinlock>
class Locked {
  public:
    /// `Locked<MonotonicArena<Heap>> arena(std::in_place, heap)`
    template <class... Arguments>
    constexpr explicit Locked(std::in_place_t tag, Arguments&&... arguments)
        : allocator_(tag, std::forward<Arguments>(arguments)...) {}

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        return with([=](A& allocator) { return allocator.allocate(layout); });
    }
    void deallocate(std::byte* block, Layout layout) {
        with([=](A& allocator) { allocator.deallocate(block, layout); });
    }
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return with([=](A& allocator) { return allocator.try_resize(block, layout, new_size); });
    }

    void deallocate(std::byte* block)
        requires GeneralHeap<A>
    {
        with([=](A& allocator) { allocator.deallocate(block); });
    }
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const
        requires GeneralHeap<A>
    {
        return with([=](const A& allocator) { return allocator.usable_size(block); });
    }
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return with([=](const A& allocator) { return allocator.owns(pointer); });
    }

    /// Calls `function(A&)` with the lock held, for what an A can do besides.
    template <class Function>
    decltype(auto) with(Function&& function) {
        return allocator_.with(std::forward<Function>(function));
    }
    template <class Function>
    decltype(auto) with(Function&& function) const {
        return allocator_.with(std::forward<Function>(function));
    }

  private:
    Guarded<A, Lock> allocator_;
};

}  // namespace cairn
