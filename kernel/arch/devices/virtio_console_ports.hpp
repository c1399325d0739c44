// SPDX-License-Identifier: MIT
// A virtio console device: features, configuration, queues, and the messages by which device and
// driver agree about ports:
//
//     queue 0, 1   port 0 receives, transmits        queue 2, 3   control messages, likewise
//     queue 4, 5   port 1 receives, transmits        ...          two for each further port
//
// Queues 2 and on are there with MULTIPORT alone. What a port carries is a stream of bytes.
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 5.3 "Console Device".
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::virtio_console {

// Section 5.3.2 "Virtqueues". "Receive" and "transmit" are the driver's words.
inline constexpr std::uint32_t control_receive_queue = 2;
inline constexpr std::uint32_t control_transmit_queue = 3;

[[nodiscard]] constexpr std::uint32_t receive_queue(std::uint32_t port) {
    return port == 0 ? 0 : 2 * port + 2;
}
[[nodiscard]] constexpr std::uint32_t transmit_queue(std::uint32_t port) {
    return receive_queue(port) + 1;
}
static_assert(receive_queue(1) == 4 && transmit_queue(1) == 5 && receive_queue(2) == 6);

// Section 5.3.3 "Feature bits": X(name, bit, title)
#define CAIRN_VIRTIO_CONSOLE_FEATURES(X)                \
    X(size, 0, "configuration cols and rows are valid") \
    X(multiport, 1, "device supports multiple ports")   \
    X(emerg_write, 2, "device supports emergency write")

namespace feature {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint64_t name = std::uint64_t{1} << (bit);
CAIRN_VIRTIO_CONSOLE_FEATURES(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace feature

/// Section 5.3.4 "Device configuration layout".
struct Config {
    std::uint16_t cols;          ///< with SIZE, of port 0
    std::uint16_t rows;          ///< with SIZE, of port 0
    std::uint32_t max_nr_ports;  ///< with MULTIPORT: port numbers are below it
    std::uint32_t emerg_wr;      ///< with EMERG_WRITE; a write of it is a character
};
static_assert(offsetof(Config, max_nr_ports) == 4 && offsetof(Config, emerg_wr) == 8 &&
              sizeof(Config) == 12);

// Section 5.3.6.2 "Multiport Device Operation", Control::event: X(name, value, title). What the
// specification calls DEVICE_ADD and DEVICE_REMOVE elsewhere has PORT in its name, as in Linux.
#define CAIRN_VIRTIO_CONSOLE_EVENTS(X)                                             \
    X(device_ready, 0, "driver: it is ready for control messages, or (0) not")     \
    X(port_add, 1, "device: there is a new port")                                  \
    X(port_remove, 2, "device: an existing port goes")                             \
    X(port_ready, 3, "driver: it is ready for that port, or (0) has no use of it") \
    X(console_port, 4, "device: the port is for people")                           \
    X(resize, 5, "device: the console's size; a Size follows")                     \
    X(port_open, 6, "both: the port is open at that end, or (0) closed")           \
    X(port_name, 7, "device: the port's name; its bytes follow, without a NUL")

namespace event {
#define CAIRN_ROW(name, value, title) inline constexpr std::uint16_t name = (value);
CAIRN_VIRTIO_CONSOLE_EVENTS(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace event

/// A control message, at the begin of its buffer.
struct Control {
    std::uint32_t id;  ///< the port's number; of device_ready it does not matter
    std::uint16_t event;
    std::uint16_t value;
};
static_assert(sizeof(Control) == 8);

/// What follows a `resize`; 0 by 0: nobody knows it. Linux took the rows first, against the
/// specification, before 6.16.
struct Size {
    std::uint16_t cols;
    std::uint16_t rows;

    bool operator==(const Size&) const = default;
};
static_assert(sizeof(Size) == 4);

}  // namespace cairn::virtio_console
