// SPDX-License-Identifier: MIT
#include "tests/bench/churn.hpp"

namespace cairn::bench {

void* null_allocate(std::size_t size) {
    return reinterpret_cast<void*>(size);
}
void* null_allocate_aligned(std::size_t alignment, std::size_t /*size*/) {
    return reinterpret_cast<void*>(alignment);
}
void null_free(void* /*block*/) {}

namespace {

template <bool page_aligned, bool write>
void take_steps(const Allocator& allocator, std::span<const Step> steps, Slots blocks) {
    const auto allocate = allocator.allocate;
    const auto allocate_aligned = allocator.allocate_aligned;
    const auto free = allocator.free;
    void** const first = blocks.data();
    for (const Step& step : steps) {
        void*& block = first[step.slot];
        if (block != nullptr) {
            free(block);
            block = nullptr;
            continue;
        }
        if constexpr (page_aligned) {
            block = allocate_aligned(page, step.size);
        } else {
            block = allocate(step.size);
        }
        if constexpr (write) *static_cast<std::size_t*>(block) = step.size;
    }
}

template <bool write>
void churn_any(const Allocator& allocator, Sizes sizes, std::span<const Step> steps, Slots blocks) {
    if (sizes == Sizes::pages) {
        take_steps<true, write>(allocator, steps, blocks);
    } else {
        take_steps<false, write>(allocator, steps, blocks);
    }
}

}  // namespace

void churn(const Allocator& allocator, Sizes sizes, std::span<const Step> steps, Slots blocks) {
    churn_any<false>(allocator, sizes, steps, blocks);
}

void churn_and_write(const Allocator& allocator, Sizes sizes, std::span<const Step> steps,
                     Slots blocks) {
    churn_any<true>(allocator, sizes, steps, blocks);
}

void empty(const Allocator& allocator, Slots blocks) {
    for (void*& block : blocks) {
        if (block != nullptr) allocator.free(block);
        block = nullptr;
    }
}

}  // namespace cairn::bench
