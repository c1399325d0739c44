// SPDX-License-Identifier: MIT
// Who accesses a guest's RAM on Cairn's side, so that frames which are taken from it go to somebody
// else only when nobody can be at them any more.
//
//     reader    begin ── finds where RAM lies, reads and writes ── end
//     owner     takes RAM away ── restart ── all_have_ended? no ... all_have_ended? yes ── frames
//     go
//
// A reader that begins behind `restart` does not find what was taken away before it. Readers are
// counted in one of two counters; each of them has to be seen at 0 once. Those who begin meanwhile
// are sent to the one that was, so that the other comes to its end (as in SRCU: McKenney,
// "Sleepable Read-Copy Update"). Readers may last as long as they like: a request that is in flight
// is one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace cairn {

class RamReaders {
  public:
    using Side = std::uint8_t;

    /// On any hart. What it returns is for `end`.
    [[nodiscard]] Side begin() {
        const Side side = side_.load(std::memory_order_relaxed);
        counts_[side].fetch_add(1, std::memory_order_seq_cst);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return side;
    }
    void end(Side side) { counts_[side].fetch_sub(1, std::memory_order_release); }

    // Under the owner's lock:

    /// Something was taken away just now.
    void restart() { seen_ = {}; }
    /// Whether all have ended that began before the last `restart`.
    [[nodiscard]] bool all_have_ended() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        for (const Side side : {Side{0}, Side{1}}) {
            if (counts_[side].load(std::memory_order_seq_cst) == 0) seen_[side] = true;
            if (seen_[side]) side_.store(side, std::memory_order_relaxed);
        }
        return seen_[0] && seen_[1];
    }

  private:
    std::atomic<Side> side_ = 0;  ///< of those who begin
    std::array<std::atomic<std::uint32_t>, 2> counts_{};
    std::array<bool, 2> seen_{true, true};  ///< at 0 since the last `restart`
};

/// A reader, for as long as it lives; nullptr: of RAM that nobody takes away.
class RamHold {
  public:
    explicit RamHold(RamReaders* readers)
        : readers_(readers), side_(readers == nullptr ? RamReaders::Side{0} : readers->begin()) {}
    RamHold(const RamHold&) = delete;
    RamHold& operator=(const RamHold&) = delete;
    ~RamHold() {
        if (readers_ != nullptr) readers_->end(side_);
    }

  private:
    RamReaders* readers_;
    RamReaders::Side side_;
};

}  // namespace cairn
