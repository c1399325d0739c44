// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/letter_map.hpp"

#include <algorithm>
#include <utility>

namespace cairn {

LetterMap::LetterMap(std::string_view letters, std::size_t things) : letters_(letters) {
    while (things > things_of_letter_ * width * most_lines)
        things_of_letter_ *= 2;
}

bool LetterMap::take(std::size_t kind) {
    if (std::exchange(is_full_, false)) size_ = 0;
    ++counts_[kind];
    if (++things_ == things_of_letter_) end_letter();
    return is_full_;
}

bool LetterMap::finish() {
    if (things_ == 0 && (size_ == 0 || is_full_)) return false;
    if (things_ != 0) end_letter();
    return true;
}

void LetterMap::end_letter() {
    const auto most = std::ranges::max_element(counts_) - counts_.begin();
    line_[size_++] = letters_[static_cast<std::size_t>(most)];
    counts_ = {};
    things_ = 0;
    is_full_ = size_ == width;
}

}  // namespace cairn
