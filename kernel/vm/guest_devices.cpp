// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/guest_devices.hpp"

#include <ranges>

#include <cairn/panic.hpp>
#include "kernel/vm/guest_clock.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"
#include "kernel/vm/virtio/guest_virtio_console.hpp"

namespace cairn {

GuestDevices::GuestDevices(std::uint32_t cpus, const GuestConsole& console, PowerEvents& power,
                           const GuestOptions& options)
    : plic_({.sources = guest_map::plic_sources, .contexts = cpus * plic::contexts_per_hart}),
      uart_(console.output,
            options.console != nullptr ? options.console->uart_input() : console.input,
            interrupts().source(guest_map::uart_irq)),
      syscon_(power) {
    add({.kind = &Syscon::kind, .block = guest_map::test_device, .device = &syscon_});
    add({.kind = &Plic::kind, .block = guest_map::plic, .device = &plic_});
    add({.kind = &Uart16550::kind,
         .block = guest_map::uart,
         .interrupt = guest_map::uart_irq,
         .device = &uart_,
         .controller = &interrupts()});
    if (options.clock != nullptr) add_clock(*options.clock);
    add_slots(options);
}

void GuestDevices::add_clock(GuestClock& clock) {
    clock.device().connect(interrupts().source(guest_map::rtc_irq));
    add({.kind = &GoldfishRtc::kind,
         .block = guest_map::rtc,
         .interrupt = guest_map::rtc_irq,
         .device = &clock.device(),
         .controller = &interrupts()});
}

/// Devices are where QEMU puts those that have no `bus=`, from the last slot down, and slots are in
/// its tree's order: a guest finds the disks in theirs.
void GuestDevices::add_slots(const GuestOptions& options) {
    const auto devices = options.virtio;
    for (std::size_t n = 0; n < guest_map::virtio_slots; ++n) {
        const std::size_t slot = guest_map::virtio_slots - 1 - n;
        if (n < devices.size()) {
            devices[n]->device().connect(interrupts().source(guest_map::virtio_irq(slot)));
            add_virtio(slot, devices[n]->kind(), devices[n]->device());
        } else {
            add_virtio(slot, EmptyVirtioSlot::kind, empty_slot_);
        }
    }
}

void GuestDevices::add_virtio(std::size_t slot, const DeviceKind& kind, MmioDevice& device) {
    add({.kind = &kind,
         .block = guest_map::virtio(slot),
         .interrupt = guest_map::virtio_irq(slot),
         .device = &device,
         .controller = &interrupts()});
}

void GuestDevices::add(const GuestDevice& row) {
    const bool attached = bus_.attach(row.block, *row.device).has_value();
    require(attached, "the guest map's devices fit on the bus");
    list_.push_back(row);
}

/// Each is asked, for it begins nothing from then on.
bool GuestDevices::let_go() {
    bool all = true;
    for (const GuestDevice& device : list_)
        all &= device.device->lets_go();
    return all;
}

void GuestDevices::reset() {
    for (const GuestDevice& row : std::views::reverse(list_))
        row.device->reset();
}

}  // namespace cairn
