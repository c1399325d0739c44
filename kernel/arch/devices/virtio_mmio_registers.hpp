// SPDX-License-Identifier: MIT
// The registers of a virtio device on MMIO, for the emulated devices and for drivers. All are 32
// bits wide, and accessed whole; behind them lies the device's configuration.
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 4.2.2 "MMIO Device Register
// Layout". Titles are the specification's. tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstdint>

namespace cairn::virtio_mmio {

// X(name, offset in bytes, title)
#define CAIRN_VIRTIO_MMIO_REGISTERS(X)                                               \
    X(magic_value, 0x000, "Magic value")                                             \
    X(version, 0x004, "Device version number")                                       \
    X(device_id, 0x008, "Virtio Subsystem Device ID")                                \
    X(vendor_id, 0x00c, "Virtio Subsystem Vendor ID")                                \
    X(device_features, 0x010, "Flags representing features the device supports")     \
    X(device_features_sel, 0x014, "Device (host) features word selection")           \
    X(driver_features, 0x020, "Flags representing features activated by the driver") \
    X(driver_features_sel, 0x024, "Activated (guest) features word selection")       \
    X(queue_sel, 0x030, "Virtual queue index")                                       \
    X(queue_num_max, 0x034, "Maximum virtual queue size")                            \
    X(queue_num, 0x038, "Virtual queue size")                                        \
    X(queue_ready, 0x044, "Virtual queue ready bit")                                 \
    X(queue_notify, 0x050, "Queue notifier")                                         \
    X(interrupt_status, 0x060, "Interrupt status")                                   \
    X(interrupt_ack, 0x064, "Interrupt acknowledge")                                 \
    X(status, 0x070, "Device status")                                                \
    X(queue_desc_low, 0x080, "Virtual queue's Descriptor Area, low word")            \
    X(queue_desc_high, 0x084, "Virtual queue's Descriptor Area, high word")          \
    X(queue_avail_low, 0x090, "Virtual queue's Driver Area, low word")               \
    X(queue_avail_high, 0x094, "Virtual queue's Driver Area, high word")             \
    X(queue_used_low, 0x0a0, "Virtual queue's Device Area, low word")                \
    X(queue_used_high, 0x0a4, "Virtual queue's Device Area, high word")              \
    X(shm_len_low, 0x0b0, "Shared memory region length, low word")                   \
    X(shm_len_high, 0x0b4, "Shared memory region length, high word")                 \
    X(shm_base_low, 0x0b8, "Shared memory region address, low word")                 \
    X(shm_base_high, 0x0bc, "Shared memory region address, high word")               \
    X(queue_reset, 0x0c0, "Virtual queue reset bit")                                 \
    X(config_generation, 0x0fc, "Configuration atomicity value")                     \
    X(config, 0x100, "Configuration space")

// Of version 1 alone, beside those above (section 4.2.4 "Legacy interface").
#define CAIRN_VIRTIO_MMIO_LEGACY_REGISTERS(X)                         \
    X(guest_page_size, 0x028, "Guest page size")                      \
    X(queue_align, 0x03c, "Used Ring alignment in the virtual queue") \
    X(queue_pfn, 0x040, "Guest physical page number of the virtual queue")

enum class Register : std::uint16_t {
#define CAIRN_ROW(name, number, title) name = (number),
    CAIRN_VIRTIO_MMIO_REGISTERS(CAIRN_ROW) CAIRN_VIRTIO_MMIO_LEGACY_REGISTERS(CAIRN_ROW)
#undef CAIRN_ROW
};

/// All registers with the device's configuration behind them (QEMU hw/virtio/virtio-mmio.c).
inline constexpr std::uint64_t block_size = 0x200;

inline constexpr std::uint32_t magic = 0x7472'6976;        ///< "virt", little-endian
inline constexpr std::uint32_t legacy_version = 1;         ///< section 4.2.4 "Legacy interface"
inline constexpr std::uint32_t modern_version = 2;         ///< Version, of a device by this layout
inline constexpr std::uint32_t no_device = 0;              ///< DeviceID of an empty slot
inline constexpr std::uint32_t qemu_vendor = 0x554d'4551;  ///< "QEMU", little-endian

/// What a shared memory register reads as where there is no such region.
inline constexpr std::uint32_t no_region = ~std::uint32_t{0};

// InterruptStatus and InterruptACK: X(name, bit, title)
#define CAIRN_VIRTIO_MMIO_INTERRUPTS(X)           \
    X(used_buffer, 0, "Used Buffer Notification") \
    X(config_change, 1, "Configuration Change Notification")

namespace interrupt {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint32_t name = 1u << (bit);
CAIRN_VIRTIO_MMIO_INTERRUPTS(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace interrupt

}  // namespace cairn::virtio_mmio
