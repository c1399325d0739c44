// SPDX-License-Identifier: MIT
// The guest's physical address map: QEMU's `virt` machine (hw/riscv/virt.c, virt_memmap and the
// interrupt numbers in include/hw/riscv/virt.h), so that what runs on `virt` runs here.
//
//     0x8000_0000 +  ┌──────────────────────┐
//                    │ RAM, memory bytes    │
//     0x8000_0000    ├──────────────────────┤
//                    │ nothing              │
//     0x1000_9000    ├──────────────────────┤
//                    │ virtio-mmio slot 7   │ irq 8
//                    │ ...                  │
//     0x1000_1000    │ virtio-mmio slot 0   │ irq 1
//                    ├──────────────────────┤
//     0x1000_0000    │ 16550 UART           │ irq 10
//                    ├──────────────────────┤
//     0x0c00_0000    │ PLIC                 │
//                    ├──────────────────────┤
//     0x0010_1000    │ goldfish RTC         │ irq 11
//                    ├──────────────────────┤
//     0x0010_0000    │ test (power) device  │
//                    ├──────────────────────┤
//     0x0000_0000    │ nothing              │
//                    └──────────────────────┘
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/address.hpp"

namespace cairn::guest_map {

inline constexpr GuestPhys ram_base{0x8000'0000};

inline constexpr GuestRange test_device{{0x0010'0000}, 0x1000};  ///< syscon poweroff and reboot
inline constexpr GuestRange rtc{{0x0010'1000}, 0x1000};          ///< google,goldfish-rtc
inline constexpr GuestRange plic{{0x0c00'0000}, 0x60'0000};      ///< riscv,plic0
inline constexpr GuestRange uart{{0x1000'0000}, 0x100};          ///< ns16550a

inline constexpr std::uint32_t virtio_first_irq = 1;  ///< slot N raises virtio_first_irq + N
inline constexpr std::uint32_t uart_irq = 10;
inline constexpr std::uint32_t rtc_irq = 11;
inline constexpr std::uint32_t plic_sources = 95;  ///< `riscv,ndev`: sources 1 to 95

inline constexpr std::size_t virtio_slots = 8;
inline constexpr GuestPhys virtio_first{0x1000'1000};
inline constexpr std::uint64_t virtio_slot_size = 0x1000;

/// The registers of virtio-mmio slot `slot` (0 to virtio_slots - 1).
[[nodiscard]] constexpr GuestRange virtio(std::size_t slot) {
    return {virtio_first + slot * virtio_slot_size, virtio_slot_size};
}

inline constexpr GuestRange virtio_all{virtio_first, virtio_slots* virtio_slot_size};

/// The interrupt of virtio-mmio slot `slot`.
[[nodiscard]] constexpr std::uint32_t virtio_irq(std::size_t slot) {
    return virtio_first_irq + static_cast<std::uint32_t>(slot);
}

/// All device blocks in the order of their addresses; virtio's slots count as one.
inline constexpr std::array devices{
    test_device, rtc, plic, uart, virtio_all,
};

namespace detail {
consteval bool ascending_below_ram() {
    GuestPhys previous_end{};
    for (const GuestRange& device : devices) {
        if (device.size == 0 || device.base < previous_end) return false;
        previous_end = device.end();
    }
    return previous_end <= ram_base;
}
}  // namespace detail

static_assert(detail::ascending_below_ram(), "devices neither overlap each other nor RAM");
static_assert(virtio(virtio_slots - 1).end() == GuestPhys{0x1000'9000});
static_assert(virtio_irq(virtio_slots - 1) < uart_irq && uart_irq < rtc_irq);
static_assert(rtc_irq <= plic_sources);
static_assert(ram_base.value % (1ull << 30) == 0, "RAM starts on a 1 GiB leaf of the G-stage");

}  // namespace cairn::guest_map
