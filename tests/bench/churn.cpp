// SPDX-License-Identifier: MIT
#include "tests/bench/churn.hpp"

#include <array>

namespace cairn::bench {

void* null_allocate(std::size_t size) {
    return reinterpret_cast<void*>(size);
}
void* null_allocate_aligned(std::size_t alignment, std::size_t /*size*/) {
    return reinterpret_cast<void*>(alignment);
}
void null_free(void* /*block*/) {}
void null_free_sized(void* /*block*/, std::size_t /*size*/) {}

bool has_calls(const Allocator& allocator, Sizes sizes) {
    return (sizes != Sizes::news && sizes != Sizes::sized) || allocator.make != nullptr;
}

namespace {

// What lives by slot, for those who are to say it: one thread. Not beside the cache, which is near
// `tp` only as long as little else is.
constinit std::array<std::uint32_t, slots> sizes_of{};

/// What a step calls, by the sizes; the rest is small, medium ...
template <Sizes sizes>
void* allocate_for(const Allocator& allocator, const Step& step) {
    if constexpr (sizes == Sizes::pages) return allocator.allocate_aligned(page, step.size);
    if constexpr (sizes == Sizes::lines) return allocator.allocate_aligned(line, step.size);
    if constexpr (sizes == Sizes::news) return allocator.make(step.size);
    if constexpr (sizes == Sizes::sized) {
        sizes_of[step.slot] = step.size;
        return allocator.make(step.size);
    }
    return allocator.allocate(step.size);
}

template <Sizes sizes>
void free_for(const Allocator& allocator, const Step& step, void* block) {
    if constexpr (sizes == Sizes::sized) return allocator.unmake_sized(block, sizes_of[step.slot]);
    if constexpr (sizes == Sizes::news) return allocator.unmake(block);
    allocator.free(block);
}

template <Sizes sizes, bool write>
void take_steps(const Allocator& allocator, std::span<const Step> steps, Slots blocks) {
    void** const first = blocks.data();
    for (const Step& step : steps) {
        void*& block = first[step.slot];
        if (block != nullptr) {
            free_for<sizes>(allocator, step, block);
            block = nullptr;
            continue;
        }
        block = allocate_for<sizes>(allocator, step);
        if constexpr (write) *static_cast<std::size_t*>(block) = step.size;
    }
}

template <bool write>
void churn_any(const Allocator& allocator, Sizes sizes, std::span<const Step> steps, Slots blocks) {
    switch (sizes) {
        case Sizes::pages: return take_steps<Sizes::pages, write>(allocator, steps, blocks);
        case Sizes::lines: return take_steps<Sizes::lines, write>(allocator, steps, blocks);
        case Sizes::news: return take_steps<Sizes::news, write>(allocator, steps, blocks);
        case Sizes::sized: return take_steps<Sizes::sized, write>(allocator, steps, blocks);
        default: return take_steps<Sizes::small, write>(allocator, steps, blocks);
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
