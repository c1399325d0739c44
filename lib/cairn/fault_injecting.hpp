// SPDX-License-Identifier: MIT
// An allocator that runs out of memory when a test wants it to: by number or by chance, and the
// same each time it is run. What may be refused is an attempt: to allocate, or to grow a block in
// place; shrinking and freeing always go through. Borrows the allocator below. Thread-safe where
// that is; which thread an attempt's number falls to is then a matter of luck.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cairn/base/language.hpp"
#include "cairn/base/mix64.hpp"
#include "cairn/layout.hpp"

namespace cairn {

/// Which attempts fail; they are counted from 1.
class FaultPlan {
  public:
    static constexpr FaultPlan never() { return {}; }
    /// The n-th, and no other.
    static constexpr FaultPlan nth(std::uint64_t n) { return FaultPlan(n, 0); }
    /// The n-th, the 2n-th, ...
    static constexpr FaultPlan every(std::uint64_t n) { return FaultPlan(n, n); }
    /// The n-th and all that follow: memory is out for good.
    static constexpr FaultPlan from(std::uint64_t n) { return FaultPlan(n, 1); }
    /// Each with a probability of 1 in `one_in`, independently.
    static constexpr FaultPlan randomly(std::uint64_t one_in, std::uint64_t seed) {
        FaultPlan plan;
        plan.one_in_ = one_in;
        plan.seed_ = seed;
        return plan;
    }

    [[nodiscard]] constexpr bool fails(std::uint64_t attempt) const {
        if (one_in_ != 0) return mix64(mix64(seed_) + attempt * golden_step) % one_in_ == 0;
        if (first_ == 0 || attempt < first_) return false;
        return period_ == 0 ? attempt == first_ : (attempt - first_) % period_ == 0;
    }

  private:
    constexpr FaultPlan() = default;
    constexpr FaultPlan(std::uint64_t first, std::uint64_t period)
        : first_(first), period_(period) {}

    std::uint64_t first_ = 0;   ///< 0: none fails
    std::uint64_t period_ = 0;  ///< 0: only the first
    std::uint64_t one_in_ = 0;  ///< 0: not by chance
    std::uint64_t seed_ = 0;
};

static_assert(FaultPlan::nth(3).fails(3) && !FaultPlan::nth(3).fails(6));
static_assert(FaultPlan::every(3).fails(6) && !FaultPlan::every(3).fails(7));
static_assert(FaultPlan::from(3).fails(4) && !FaultPlan::from(3).fails(2));
static_assert(!FaultPlan::never().fails(1) && !FaultPlan::every(0).fails(1));

template <ByteAllocator A>
class FaultInjecting {
  public:
    constexpr FaultInjecting(A& base, FaultPlan plan) : base_(base), plan_(plan) {}

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (next_fails()) return std::unexpected(AllocError::out_of_memory);
        return base_.allocate(layout);
    }
    void deallocate(std::byte* block, Layout layout) { base_.deallocate(block, layout); }
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        if (new_size > layout.size && next_fails()) return false;
        return base_.try_resize(block, layout, new_size);
    }

    void deallocate(std::byte* block)
        requires GeneralHeap<A>
    {
        base_.deallocate(block);
    }
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const
        requires GeneralHeap<A>
    {
        return base_.usable_size(block);
    }
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return base_.owns(pointer);
    }

    /// Counts from 1 again, by another plan. While nobody else allocates.
    void restart(FaultPlan plan) {
        plan_ = plan;
        attempts_ = 0;
        injected_ = 0;
    }
    [[nodiscard]] std::uint64_t attempts() const { return attempts_; }
    /// How many of them were refused here.
    [[nodiscard]] std::uint64_t injected() const { return injected_; }

  private:
    bool next_fails() {
        const bool fails = plan_.fails(attempts_.fetch_add(1, std::memory_order_relaxed) + 1);
        if (fails) injected_.fetch_add(1, std::memory_order_relaxed);
        return fails;
    }

    A& base_;
    FaultPlan plan_;
    std::atomic<std::uint64_t> attempts_{0};
    std::atomic<std::uint64_t> injected_{0};
};

}  // namespace cairn
