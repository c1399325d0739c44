// SPDX-License-Identifier: MIT
// The last of what was written to the log, for whoever looks later. A position counts every byte
// that was ever put: what lies before `first` is lost. Pure. No lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cairn {

template <std::size_t Capacity>
class LogRing {
  public:
    constexpr void put(std::string_view text) {
        for (const char byte : text)
            bytes_[end_++ % Capacity] = byte;
    }
    /// The position of the oldest byte that is kept, and how many were lost before it.
    [[nodiscard]] constexpr std::uint64_t first() const {
        return end_ > Capacity ? end_ - Capacity : 0;
    }
    [[nodiscard]] constexpr std::uint64_t end() const { return end_; }
    /// Copies what is kept from `position` on, which moves behind it; nothing at the end.
    [[nodiscard]] constexpr std::size_t copy(std::uint64_t& position, std::span<char> to) const {
        position = std::max(position, first());
        const std::size_t count = std::min<std::uint64_t>(to.size(), end_ - position);
        for (std::size_t i = 0; i < count; ++i)
            to[i] = bytes_[position++ % Capacity];
        return count;
    }

  private:
    std::array<char, Capacity> bytes_{};
    std::uint64_t end_ = 0;
};

}  // namespace cairn
