// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/nearest_word.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace cairn {

namespace {

constexpr std::size_t max_letters = 32;
constexpr std::size_t max_edits = 2;

/// Optimal string alignment distance. Row i of the table holds the distances of a's first i
/// letters to every prefix of b; three rows are alive, because a swap looks two rows back.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, max_letters + 1>;
    Row before{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> words) {
    if (word.size() > max_letters) return std::nullopt;
    std::optional<std::string_view> nearest;
    std::size_t fewest = max_edits + 1;
    for (const std::string_view candidate : words) {
        if (candidate.size() > max_letters) continue;
        const std::size_t edits = edit_distance(word, candidate);
        if (edits < fewest && edits < candidate.size()) {
            nearest = candidate;
            fewest = edits;
        }
    }
    return nearest;
}

}  // namespace cairn
