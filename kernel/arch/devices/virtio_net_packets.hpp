// SPDX-License-Identifier: MIT
// A virtio network device: features, configuration, and what lies before each frame.
//
//     queue 0 receives, queue 1 transmits:   PacketHeader ── Ethernet frame without its check sum
//     queue 2 has commands:                  class, command, what that takes ── an answer
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 5.1 "Network Device".
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::virtio_net {

inline constexpr std::uint32_t receive_queue = 0;
inline constexpr std::uint32_t transmit_queue = 1;
inline constexpr std::uint32_t control_queue = 2;  ///< of a device with one pair of the others

// Section 5.1.3 "Feature bits": X(name, bit, title)
#define CAIRN_VIRTIO_NET_FEATURES(X)                                 \
    X(csum, 0, "device handles packets with partial checksum")       \
    X(guest_csum, 1, "driver handles packets with partial checksum") \
    X(mtu, 3, "device maximum MTU reporting is supported")           \
    X(mac, 5, "device has given MAC address")                        \
    X(guest_tso4, 7, "driver can receive TSOv4")                     \
    X(guest_tso6, 8, "driver can receive TSOv6")                     \
    X(host_tso4, 11, "device can receive TSOv4")                     \
    X(host_tso6, 12, "device can receive TSOv6")                     \
    X(mrg_rxbuf, 15, "driver can merge receive buffers")             \
    X(status, 16, "configuration status field is available")         \
    X(ctrl_vq, 17, "control channel is available")                   \
    X(ctrl_rx, 18, "control channel RX mode support")                \
    X(ctrl_mac_addr, 23, "set MAC address through control channel")

namespace feature {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint64_t name = std::uint64_t{1} << (bit);
CAIRN_VIRTIO_NET_FEATURES(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace feature

inline constexpr std::size_t mac_size = 6;

/// Section 5.1.4 "Device configuration layout", as far as the features above go.
struct Config {
    std::uint8_t mac[mac_size];
    std::uint16_t status;
    std::uint16_t max_virtqueue_pairs;
    std::uint16_t mtu;
};
static_assert(sizeof(Config) == 12 && offsetof(Config, mtu) == 10);

// Config::status: X(name, value, title)
#define CAIRN_VIRTIO_NET_STATUS(X) X(link_up, 1, "link is up")

#define CAIRN_ROW(name, value, title) inline constexpr std::uint16_t name = (value);
CAIRN_VIRTIO_NET_STATUS(CAIRN_ROW)
#undef CAIRN_ROW

// PacketHeader::flags, section 5.1.6 "Device Operation": X(name, value, title)
#define CAIRN_VIRTIO_NET_HEADER_FLAGS(X)                                      \
    X(needs_csum, 1, "csum_start and csum_offset say what is to be computed") \
    X(data_valid, 2, "the check sums are right")

#define CAIRN_ROW(name, value, title) inline constexpr std::uint8_t name = (value);
CAIRN_VIRTIO_NET_HEADER_FLAGS(CAIRN_ROW)
#undef CAIRN_ROW

// PacketHeader::gso_type: X(name, value, title)
#define CAIRN_VIRTIO_NET_SEGMENTS(X)        \
    X(none, 0, "not a frame to be cut")     \
    X(tcpv4, 1, "TCP over IPv4, to be cut") \
    X(tcpv6, 4, "TCP over IPv6, to be cut") \
    X(ecn, 0x80, "TCP has ECN set, beside others")

namespace segments {
#define CAIRN_ROW(name, value, title) inline constexpr std::uint8_t name = (value);
CAIRN_VIRTIO_NET_SEGMENTS(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace segments

/// struct virtio_net_hdr of a modern device. A legacy one leaves `num_buffers` out where MRG_RXBUF
/// is not negotiated (section 5.1.6.1).
struct PacketHeader {
    std::uint8_t flags;
    std::uint8_t gso_type;
    std::uint16_t hdr_len;
    std::uint16_t gso_size;  ///< bytes of data in a segment
    std::uint16_t csum_start;
    std::uint16_t csum_offset;
    std::uint16_t num_buffers;  ///< with MRG_RXBUF, of received frames; else 1
};
static_assert(sizeof(PacketHeader) == 12);
inline constexpr std::size_t legacy_header_size = 10;

// Commands of the control queue, section 5.1.6.5 "Control Virtqueue": X(name, value, title)
#define CAIRN_VIRTIO_NET_COMMANDS(X)                                        \
    X(rx, 0, "class: which frames are received")                            \
    X(rx_promisc, 0, "all, or not: a byte")                                 \
    X(rx_allmulti, 1, "all for several receivers, or not: a byte")          \
    X(mac, 1, "class: addresses")                                           \
    X(mac_table_set, 0, "those to be received: two lists, each its length") \
    X(mac_addr_set, 1, "the device's own: six bytes")

namespace control {
#define CAIRN_ROW(name, value, title) inline constexpr std::uint8_t name = (value);
CAIRN_VIRTIO_NET_COMMANDS(CAIRN_ROW)
#undef CAIRN_ROW

struct Header {
    std::uint8_t of_class;
    std::uint8_t command;
};
}  // namespace control

// What the device answers, a byte: X(name, value, title)
#define CAIRN_VIRTIO_NET_ANSWERS(X) \
    X(ok, 0, "it is done")          \
    X(err, 1, "it is not")

namespace answer {
#define CAIRN_ROW(name, value, title) inline constexpr std::uint8_t name = (value);
CAIRN_VIRTIO_NET_ANSWERS(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace answer

/// An Ethernet frame without its check sum: header, and the least that is behind it.
inline constexpr std::size_t ethernet_header_size = 14;
/// The usual MTU, and a frame of it.
inline constexpr std::uint16_t ethernet_mtu = 1500;
inline constexpr std::size_t ethernet_frame_size = ethernet_header_size + ethernet_mtu;

}  // namespace cairn::virtio_net
