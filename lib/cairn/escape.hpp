// SPDX-License-Identifier: MIT
// The quoted form of text that '?' asks for: [format.string.escaped] of C++23. Takes the text a
// byte at a time, so that a range of characters needs no copy. Separators and other unprintable
// code points are known by the ranges that matter on a console, not by the whole Unicode database.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "cairn/writer.hpp"

namespace cairn {

class Escaper {
  public:
    /// Writes the opening quote; a `quote` within the text is escaped.
    Escaper(Writer& writer, char quote);

    void put(char c);
    void put(std::string_view text);
    /// Writes what is incomplete, and the closing quote.
    void finish();

  private:
    void start(char c);
    void escape_pending();
    void write_code_point();
    void write_ascii(char c);

    Writer& writer_;
    char quote_;
    std::array<char, 4> pending_{};  ///< the beginning of a UTF-8 sequence
    std::size_t used_ = 0;
    std::size_t wanted_ = 0;  ///< the length of the whole sequence
};

}  // namespace cairn
