// SPDX-License-Identifier: MIT
// The map of a heap in letters, one for some pages side by side, by what most of them are for:
//
//     .  others', or never taken     s  slab     r  run in use
//     -  free                        b  blocks   c  run in a cache
//     i  the heap's own
//
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/manager/commands/letter_map.hpp"

namespace cairn {

class HeapMap {
  public:
    static constexpr std::string_view legend =
        ". others' or not taken, - free, i the heap's own, s slab, b blocks, r run, c cached run";

    /// For a map of `pages`.
    explicit HeapMap(std::size_t pages);

    [[nodiscard]] const LetterMap& map() const { return map_; }
    /// The next page, which is for `use` (PageUse, or the class of a slab). Whether a line is full.
    [[nodiscard]] bool take(std::uint8_t use);
    [[nodiscard]] bool finish() { return map_.finish(); }
    [[nodiscard]] std::string_view line() const { return map_.line(); }

  private:
    LetterMap map_;
    std::size_t run_ = 0;  ///< what pages inside of a run are for
};

}  // namespace cairn
