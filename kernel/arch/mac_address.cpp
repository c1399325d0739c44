// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/arch/mac_address.hpp"

#include <cairn/print.hpp>

namespace cairn {

void format_value(Writer& out, const MacAddress& address) {
    const auto& b = address.bytes;
    print(out, "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

/// FNV-1a (64 bits) of the name and the number; its low bytes.
MacAddress make_mac_address(std::string_view name, std::uint32_t number) {
    constexpr std::uint64_t basis = 0xcbf2'9ce4'8422'2325;
    constexpr std::uint64_t prime = 0x0000'0100'0000'01b3;
    std::uint64_t hash = basis;
    const auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * prime; };
    for (const char c : name)
        mix(static_cast<std::uint8_t>(c));
    mix(0);
    for (unsigned shift = 0; shift < 32; shift += 8)
        mix(static_cast<std::uint8_t>(number >> shift));
    MacAddress made;
    for (std::uint8_t& byte : made.bytes) {
        byte = static_cast<std::uint8_t>(hash);
        hash >>= 8;
    }
    constexpr std::uint8_t group = 1;
    constexpr std::uint8_t local = 2;
    made.bytes[0] = static_cast<std::uint8_t>((made.bytes[0] & ~group) | local);
    return made;
}

}  // namespace cairn
