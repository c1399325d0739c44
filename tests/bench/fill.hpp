// SPDX-License-Identifier: MIT
// Fills memory until it is full (or full enough), in ways that leave holes: how much of a region
// is in use when the first request fails, and how much memory a process takes for what it uses.
//
// `random`: with probability 2/3 a block is allocated, else a random one of those that live is
// freed. `shift`: small blocks until half of the limit lives, then a random three quarters of them
// are freed, then `random` with medium blocks: do the holes of one size serve another?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "tests/bench/trace.hpp"

namespace cairn::bench {

struct Block {
    void* at;
    std::uint32_t size;
};

/// `Calls` makes the calls: `void* allocate(Sizes, size)`, `void free(Block)`.
template <class Calls>
class Fill {
  public:
    /// Until a request fails, `limit` bytes live, or `storage` is full.
    Fill(Calls& calls, std::size_t limit, std::span<Block> storage)
        : calls_(calls), limit_(limit), storage_(storage) {}

    void random(Sizes sizes) {
        while (live_ < limit_) {
            if (random_.below(3) == 2) {
                if (count_ > 0) remove(random_.below(count_));
            } else if (!add(sizes)) {
                return;
            }
        }
    }

    void shift() {
        while (live_ < limit_ / 2) {
            if (!add(Sizes::small)) return;
        }
        for (std::uint32_t i = count_; i-- > 0;) {
            if (random_.below(4) != 0) remove(i);
        }
        random(Sizes::medium);
    }

    void free_all() {
        while (count_ > 0)
            remove(count_ - 1);
    }

    /// Bytes asked for that live now: at the end the peak too, give or take a block.
    [[nodiscard]] std::size_t live() const { return live_; }

  private:
    bool add(Sizes sizes) {
        if (count_ == storage_.size()) return false;
        const std::uint32_t size = draw(sizes, random_);
        void* const at = calls_.allocate(sizes, size);
        if (at == nullptr) return false;
        storage_[count_++] = {at, size};
        live_ += size;
        return true;
    }

    void remove(std::uint32_t index) {
        const Block block = std::exchange(storage_[index], storage_[count_ - 1]);
        --count_;
        live_ -= block.size;
        calls_.free(block);
    }

    Calls& calls_;
    std::size_t limit_;
    std::span<Block> storage_;
    Random random_{1};
    std::uint32_t count_ = 0;
    std::size_t live_ = 0;
};

/// The names of the ways to fill: the sizes' own, or "shift".
template <class Calls>
bool fill_by_name(Fill<Calls>& fill, std::string_view name) {
    if (name == "shift") {
        fill.shift();
        return true;
    }
    const auto sizes = sizes_from(name);
    if (sizes) fill.random(*sizes);
    return sizes.has_value();
}

}  // namespace cairn::bench
