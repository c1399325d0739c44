// SPDX-License-Identifier: MIT
// "Did you mean ...?": the word of a list that a mistyped one most likely stands for.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace cairn {

/// The first of `words` with the fewest letters inserted, deleted, replaced or swapped with their
/// neighbour; nothing where the nearest needs more than two such edits, or as many as it has
/// letters. Words of more than 32 letters are near to nothing.
[[nodiscard]] std::optional<std::string_view> nearest_word(std::string_view word,
                                                           std::span<const std::string_view> words);

}  // namespace cairn
