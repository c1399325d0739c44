// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/disks/crc32.hpp"

#include <array>

namespace cairn {
namespace {

constexpr std::uint32_t reflected_polynomial = 0xedb8'8320;
constexpr unsigned bits_at_once = 4;

/// What four bits of the state become.
constexpr auto steps = [] {
    std::array<std::uint32_t, 1 << bits_at_once> table{};
    for (std::uint32_t n = 0; n < table.size(); ++n) {
        table[n] = n;
        for (unsigned bit = 0; bit < bits_at_once; ++bit)
            table[n] = table[n] >> 1 ^ ((table[n] & 1) != 0 ? reflected_polynomial : 0);
    }
    return table;
}();

}  // namespace

void Crc32::add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
        state_ ^= std::to_integer<std::uint32_t>(byte);
        state_ = state_ >> bits_at_once ^ steps[state_ % steps.size()];
        state_ = state_ >> bits_at_once ^ steps[state_ % steps.size()];
    }
}

}  // namespace cairn
