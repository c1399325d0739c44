// SPDX-License-Identifier: MIT
// The registers of a virtio device on MMIO, as far as one is told from an empty slot by them.
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 4.2.2 "MMIO Device Register
// Layout". Titles are the specification's.
#pragma once

#include <cstdint>

namespace cairn::virtio_mmio {

/// Offsets in bytes; all are 32 bits wide.
enum class Register : std::uint16_t {
    magic_value = 0x000,  ///< Magic value
    version = 0x004,      ///< Device version number
    device_id = 0x008,    ///< Virtio Subsystem Device ID
    vendor_id = 0x00c,    ///< Virtio Subsystem Vendor ID
};

/// All registers with the device's configuration behind them (QEMU hw/virtio/virtio-mmio.c).
inline constexpr std::uint64_t block_size = 0x200;

inline constexpr std::uint32_t magic = 0x7472'6976;        ///< "virt", little-endian
inline constexpr std::uint32_t legacy_version = 1;         ///< section 4.2.4 "Legacy interface"
inline constexpr std::uint32_t no_device = 0;              ///< DeviceID of an empty slot
inline constexpr std::uint32_t qemu_vendor = 0x554d'4551;  ///< "QEMU", little-endian

}  // namespace cairn::virtio_mmio
