// SPDX-License-Identifier: MIT
// The names of protocols and tables (UEFI Specification 2.10, appendix A: the first three fields
// are little-endian numbers, the rest is bytes). Each protocol's type carries its own as `guid`.
#pragma once

#include <array>
#include <cstdint>

namespace cairn::uefi {

struct Guid {
    std::uint32_t time_low;
    std::uint16_t time_mid;
    std::uint16_t time_high;
    std::array<std::uint8_t, 8> rest;

    constexpr bool operator==(const Guid&) const = default;
};
static_assert(sizeof(Guid) == 16);

}  // namespace cairn::uefi
