// SPDX-License-Identifier: MIT
// A line that a program sends: bytes up to a line feed, whatever they are, without a carriage
// return before it. Of one that is too long the rest is passed over. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace cairn {

class PortLine {
  public:
    static constexpr std::size_t longest = 256;

    /// True where it ends the line, which stays as it is until the next byte.
    [[nodiscard]] constexpr bool take(char byte) {
        if (has_ended_) forget();
        has_ended_ = byte == '\n';
        if (has_ended_) return true;
        if (size_ < longest) bytes_[size_] = byte;
        if (size_ <= longest) ++size_;
        return false;
    }
    [[nodiscard]] constexpr bool is_too_long() const { return size_ > longest; }
    /// Once it has ended, and is not too long.
    [[nodiscard]] constexpr std::string_view text() const {
        std::string_view line(bytes_.data(), size_);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }
    constexpr void forget() {
        size_ = 0;
        has_ended_ = false;
    }

  private:
    std::array<char, longest> bytes_{};
    std::size_t size_ = 0;
    bool has_ended_ = false;
};

}  // namespace cairn
