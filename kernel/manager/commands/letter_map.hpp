// SPDX-License-Identifier: MIT
// A map of things that lie side by side, in lines of letters: one for some of them, by the kind
// that most of these are of. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace cairn {

class LetterMap {
  public:
    static constexpr std::size_t width = 64;  ///< letters in a line
    static constexpr std::size_t most_lines = 16;
    static constexpr std::size_t most_kinds = 8;

    /// For `things`: as few for a letter as fit into `most_lines`, a power of two. `letters` has
    /// one for each kind, and outlives the map.
    LetterMap(std::string_view letters, std::size_t things);

    [[nodiscard]] std::size_t things_of_letter() const { return things_of_letter_; }
    /// The next thing, of the kind that has letter `kind`. Whether a line is full.
    [[nodiscard]] bool take(std::size_t kind);
    /// Whether a line has been begun, whose last letter may be for fewer things.
    [[nodiscard]] bool finish();
    /// The line, once it is full or finished; the next thing begins another.
    [[nodiscard]] std::string_view line() const { return {line_.data(), size_}; }

  private:
    void end_letter();

    std::string_view letters_;
    std::size_t things_of_letter_ = 1;
    std::size_t things_ = 0;  ///< of the letter at hand
    std::array<std::size_t, most_kinds> counts_{};
    std::array<char, width> line_{};
    std::size_t size_ = 0;
    bool is_full_ = false;
};

}  // namespace cairn
