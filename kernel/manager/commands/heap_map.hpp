// SPDX-License-Identifier: MIT
// The map of a heap in letters, one for some pages side by side, by what most of them are for:
//
//     .  others', or never taken     s  slab     r  run in use
//     -  free                        b  blocks   c  run in a cache
//     i  the heap's own
//
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cairn {

class HeapMap {
  public:
    static constexpr std::size_t width = 64;  ///< letters in a line
    static constexpr std::size_t most_lines = 16;
    static constexpr std::string_view legend =
        ". others' or not taken, - free, i the heap's own, s slab, b blocks, r run, c cached run";

    /// For a map of `pages`: as few for a letter as fit into `most_lines`, a power of two.
    explicit HeapMap(std::size_t pages);

    [[nodiscard]] std::size_t pages_of_letter() const { return pages_of_letter_; }
    /// The next page, which is for `use` (PageUse, or the class of a slab). Whether a line is full.
    [[nodiscard]] bool take(std::uint8_t use);
    /// Whether a line has been begun, whose last letter may be for fewer pages.
    [[nodiscard]] bool finish();
    /// The line, once it is full or finished; the next page begins another.
    [[nodiscard]] std::string_view line() const { return {line_.data(), size_}; }

  private:
    void end_letter();

    std::size_t pages_of_letter_ = 1;
    std::size_t pages_ = 0;  ///< of the letter at hand
    std::array<std::size_t, 7> counts_{};
    std::size_t run_ = 0;  ///< what pages inside of a run are for
    std::array<char, width> line_{};
    std::size_t size_ = 0;
    bool is_full_ = false;
};

}  // namespace cairn
