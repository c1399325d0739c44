// SPDX-License-Identifier: MIT
// The check sum of GPT's tables (UEFI Specification 2.10, section 4.2 and 5.3.2): CRC-32 of IEEE
// 802.3, reflected, of polynomial 0x04c1'1db7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

/// Of bytes that come in pieces.
class Crc32 {
  public:
    void add(std::span<const std::byte> bytes);
    [[nodiscard]] std::uint32_t value() const { return ~state_; }

  private:
    std::uint32_t state_ = ~std::uint32_t{0};
};

}  // namespace cairn
