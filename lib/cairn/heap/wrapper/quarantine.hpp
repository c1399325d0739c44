// SPDX-License-Identifier: MIT
// Freed blocks that wait before they may be used again, first in, first out, within a budget of
// bytes. Their addresses are kept in a ring of its own, out of the reach of who writes to them.
//
//     ring_  . . [oldest_] [ ] [ ] [ ] . . .          count_ entries, bytes_ in all
//
// No lock. Does not touch the blocks.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace cairn {

class Quarantine {
  public:
    static constexpr std::size_t most_blocks = 1024;

    struct Entry {
        std::byte* block = nullptr;
        std::size_t bytes = 0;
        bool hidden = false;  ///< no look at its own pages: nobody could touch them
    };

    /// Adds an entry; the oldest comes back where there was no more room in the ring.
    [[nodiscard]] std::optional<Entry> put(Entry entry) {
        auto displaced = count_ == most_blocks ? take_oldest() : std::nullopt;
        ring_[(oldest_ + count_) % most_blocks] = entry;
        ++count_;
        bytes_ += entry.bytes;
        return displaced;
    }

    [[nodiscard]] std::optional<Entry> take_oldest() {
        if (count_ == 0) return std::nullopt;
        const Entry entry = std::exchange(ring_[oldest_], {});
        oldest_ = (oldest_ + 1) % most_blocks;
        --count_;
        bytes_ -= entry.bytes;
        return entry;
    }

    /// The oldest, if there are more than `budget` bytes.
    [[nodiscard]] std::optional<Entry> take_excess(std::size_t budget) {
        return bytes_ > budget ? take_oldest() : std::nullopt;
    }

    /// Of `blocks()`; the newest is number 0.
    [[nodiscard]] Entry entry(std::size_t number) const {
        return ring_[(oldest_ + count_ - 1 - number) % most_blocks];
    }

    [[nodiscard]] std::size_t blocks() const { return count_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    std::array<Entry, most_blocks> ring_{};
    std::size_t oldest_ = 0;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace cairn
