// SPDX-License-Identifier: MIT
// A fuzzer's bytes as a source of choices: numbers of some bytes, or such as are likely to matter.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

class FuzzInput {
  public:
    explicit FuzzInput(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }

    /// The next `count` bytes, high byte first; zeroes behind the end.
    std::uint64_t take(std::size_t count) {
        std::uint64_t value = 0;
        for (; count > 0; --count) {
            value = value << 8 | (bytes_.empty() ? 0 : bytes_.front());
            if (!bytes_.empty()) bytes_ = bytes_.subspan(1);
        }
        return value;
    }
    std::uint64_t below(std::uint64_t bound) { return take(bound > 256 ? 4 : 1) % bound; }

    /// Small, one bit, all ones or nearly, or anything.
    std::uint64_t number() {
        const std::uint64_t kind = take(1);
        switch (kind % 5) {
            case 0: return kind / 5;
            case 1: return std::uint64_t{1} << (kind / 4 % 64);
            case 2: return ~std::uint64_t{0} - kind / 5;
            case 3: return take(3);
            default: return take(8);
        }
    }
    std::span<const std::uint8_t> run(std::size_t count) {
        const auto head = bytes_.first(count < bytes_.size() ? count : bytes_.size());
        bytes_ = bytes_.subspan(head.size());
        return head;
    }

  private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace cairn
