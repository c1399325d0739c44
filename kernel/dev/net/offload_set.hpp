// SPDX-License-Identifier: MIT
// What may be left to whoever takes a frame, one way between a device and its driver: to compute
// the check sum, and to cut the frame into segments of TCP (VIRTIO 1.2, section 5.1.3).
#pragma once

#include <cstdint>

#include "kernel/arch/devices/virtio_net_packets.hpp"

namespace cairn {

struct OffloadSet {
    /// Of a frame that goes as it is, with a VLAN's tag.
    static constexpr std::uint64_t largest_frame = virtio_net::ethernet_frame_size + 4;
    /// Of one that is to be cut: what IP can say of its length, and the header before it.
    static constexpr std::uint64_t largest_uncut = virtio_net::ethernet_header_size + 65535;
    /// All that is known here, of both ways.
    static constexpr std::uint64_t all_features =
        virtio_net::feature::csum | virtio_net::feature::guest_csum |
        virtio_net::feature::guest_tso4 | virtio_net::feature::guest_tso6 |
        virtio_net::feature::host_tso4 | virtio_net::feature::host_tso6;

    bool csum = false;
    bool tso4 = false;
    bool tso6 = false;

    /// Of frames that a driver with `features` sends.
    [[nodiscard]] static constexpr OffloadSet to_device(std::uint64_t features) {
        return {(features & virtio_net::feature::csum) != 0,
                (features & virtio_net::feature::host_tso4) != 0,
                (features & virtio_net::feature::host_tso6) != 0};
    }
    /// Of frames that it receives.
    [[nodiscard]] static constexpr OffloadSet to_driver(std::uint64_t features) {
        return {(features & virtio_net::feature::guest_csum) != 0,
                (features & virtio_net::feature::guest_tso4) != 0,
                (features & virtio_net::feature::guest_tso6) != 0};
    }

    /// Whether what `header` leaves to be done is among these. It is one that was checked.
    [[nodiscard]] constexpr bool has(const virtio_net::PacketHeader& header) const {
        if ((header.flags & virtio_net::needs_csum) == 0) return true;
        if (header.gso_type == virtio_net::segments::tcpv4) return csum && tso4;
        if (header.gso_type == virtio_net::segments::tcpv6) return csum && tso6;
        return csum;
    }
    /// Whether whoever may leave these may send a frame of `size` bytes with `header`, which says
    /// anything.
    [[nodiscard]] constexpr bool allows(const virtio_net::PacketHeader& header,
                                        std::uint64_t size) const {
        const bool is_partial = (header.flags & virtio_net::needs_csum) != 0;
        const std::uint64_t check_end = std::uint64_t{header.csum_start} + header.csum_offset + 2;
        if (is_partial && check_end > size) return false;
        if (header.gso_type == virtio_net::segments::none)
            return has(header) && size <= largest_frame;
        const bool is_known = header.gso_type == virtio_net::segments::tcpv4 ||
                              header.gso_type == virtio_net::segments::tcpv6;
        return is_known && is_partial && has(header) && header.gso_size != 0 &&
               size <= largest_uncut;
    }
};

}  // namespace cairn
