// SPDX-License-Identifier: MIT
// Blocks of no bytes: addresses of their own, 16 apart, in pages that cannot be touched, so that
// who writes to one ends there. A bit says which are live; they are handed out in turn, so one that
// was freed is not another's for as long as can be.
//
// Thread-safe without a lock, and bounded. Where no place is found soon, there is none: an ordinary
// block serves as well.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cairn/layout.hpp"
#include "cairn/region.hpp"

namespace cairn {

class ZeroBlocks {
  public:
    static constexpr std::size_t most = std::size_t{1} << 20;

    enum class Given : std::uint8_t { taken_back, free_already, no_block };

    /// `pages` are never touched, and as many places used as they have, `most` at most. Once,
    /// before all else.
    void init(Region pages) {
        base_ = reinterpret_cast<std::uintptr_t>(pages.base);
        places_ = std::min(pages.size / default_alignment, most);
    }

    /// nullptr where there is none.
    [[nodiscard]] std::byte* take() {
        for (int tries = places_ == 0 ? 0 : 64; tries != 0; --tries) {
            const std::size_t place = next_.fetch_add(1, std::memory_order_relaxed) % places_;
            const std::uint64_t before =
                word(place).fetch_or(bit(place), std::memory_order_acq_rel);
            if ((before & bit(place)) == 0)
                return reinterpret_cast<std::byte*>(base_ + place * default_alignment);
        }
        return nullptr;
    }

    Given give(const void* block) {
        const std::size_t place = place_of(block);
        if (place >= places_) return Given::no_block;
        const std::uint64_t before = word(place).fetch_and(~bit(place), std::memory_order_acq_rel);
        return (before & bit(place)) != 0 ? Given::taken_back : Given::free_already;
    }

    [[nodiscard]] bool is_live(const void* block) const {
        const std::size_t place = place_of(block);
        return place < places_ &&
               (live_[place / 64].load(std::memory_order_acquire) & bit(place)) != 0;
    }

  private:
    static constexpr std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << place % 64; }
    [[nodiscard]] std::atomic<std::uint64_t>& word(std::size_t place) { return live_[place / 64]; }
    /// `most` or more of what is no place.
    [[nodiscard]] std::size_t place_of(const void* block) const {
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - base_;
        return offset % default_alignment == 0 ? offset / default_alignment : SIZE_MAX;
    }

    std::uintptr_t base_ = 0;
    std::size_t places_ = 0;
    std::atomic<std::size_t> next_ = 0;
    std::array<std::atomic<std::uint64_t>, most / 64> live_{};
};

}  // namespace cairn
