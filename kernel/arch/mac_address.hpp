// SPDX-License-Identifier: MIT
// The address of a network interface (IEEE 802).
#pragma once

#include <array>
#include <cstdint>

#include <cairn/writer.hpp>
#include "kernel/arch/devices/virtio_net_packets.hpp"

namespace cairn {

struct MacAddress {
    std::array<std::uint8_t, virtio_net::mac_size> bytes{};

    /// Whether it stands for several: multicast, or all (broadcast).
    [[nodiscard]] constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
    [[nodiscard]] constexpr bool operator==(const MacAddress& other) const {
        return number() == other.number();
    }
    /// Its bytes, the first one lowest.
    [[nodiscard]] constexpr std::uint64_t number() const {
        std::uint64_t value = 0;
        for (std::size_t n = bytes.size(); n-- > 0;)
            value = value << 8 | bytes[n];
        return value;
    }
};

/// As in `52:54:00:12:34:56`.
void format_value(Writer& out, const MacAddress& address);

/// An address of one's own (locally administered, of one interface), the same for the same `name`
/// and `number`.
[[nodiscard]] MacAddress make_mac_address(std::string_view name, std::uint32_t number);

}  // namespace cairn
