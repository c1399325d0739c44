// SPDX-License-Identifier: MIT
// Hosted programs only: any ByteAllocator as a std::pmr::memory_resource, so that the standard
// library's pmr containers live on it. Borrows the allocator, which outlives the resource and what
// was allocated through it. As thread-safe as the allocator is.
#pragma once

#include <memory_resource>
#include <new>

#include "cairn/layout.hpp"

namespace cairn {

template <ByteAllocator A>
class PmrResource final : public std::pmr::memory_resource {
  public:
    explicit PmrResource(A& allocator) : allocator_(allocator) {}

  private:
    /// pmr knows no other way to say no than to throw.
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        const auto block = allocator_.allocate({size, alignment});
        if (!block) throw std::bad_alloc();
        return *block;
    }
    void do_deallocate(void* block, std::size_t size, std::size_t alignment) override {
        allocator_.deallocate(static_cast<std::byte*>(block), {size, alignment});
    }
    /// One resource's block may go back through another one on the same allocator.
    [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        const auto* const same = dynamic_cast<const PmrResource*>(&other);
        return same != nullptr && &same->allocator_ == &allocator_;
    }

    A& allocator_;
};

}  // namespace cairn
