// SPDX-License-Identifier: MIT
// What all virtio devices have in common, whatever the transport: kinds, status, features.
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, the sections named at each list.
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstdint>

namespace cairn::virtio {

/// Section 5 "Device Types".
inline constexpr std::uint32_t network_device_id = 1;
inline constexpr std::uint32_t block_device_id = 2;
inline constexpr std::uint32_t console_device_id = 3;
inline constexpr std::uint32_t entropy_device_id = 4;
inline constexpr std::uint32_t balloon_device_id = 5;

// Section 2.1 "Device Status Field": X(name, value, title)
#define CAIRN_VIRTIO_STATUS(X)                                                            \
    X(acknowledge, 1, "the driver has found the device")                                  \
    X(driver, 2, "the driver knows how to drive the device")                              \
    X(driver_ok, 4, "the driver is ready to drive the device")                            \
    X(features_ok, 8, "feature negotiation is complete")                                  \
    X(needs_reset, 64, "the device has experienced an error from which it can't recover") \
    X(failed, 128, "the driver has given up on the device")

namespace status {
#define CAIRN_ROW(name, value, title) inline constexpr std::uint32_t name = (value);
CAIRN_VIRTIO_STATUS(CAIRN_ROW)
#undef CAIRN_ROW
/// What a driver may set.
inline constexpr std::uint32_t drivers = acknowledge | driver | driver_ok | features_ok | failed;
}  // namespace status

// Section 6 "Reserved Feature Bits": X(name, bit, title)
#define CAIRN_VIRTIO_FEATURES(X)                                                \
    X(ring_indirect_desc, 28, "descriptors may refer to tables of descriptors") \
    X(ring_event_idx, 29, "used_event and avail_event suppress notifications")  \
    X(version_1, 32, "compliance with this specification")                      \
    X(ring_packed, 34, "queues have the packed layout")                         \
    X(ring_reset, 40, "the driver can reset a queue individually")

namespace feature {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint64_t name = std::uint64_t{1} << (bit);
CAIRN_VIRTIO_FEATURES(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace feature

}  // namespace cairn::virtio
