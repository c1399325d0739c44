// SPDX-License-Identifier: MIT
// A VM's devices, and the list of them: a row each. Who wants to know what devices there are goes
// through the list: the bus, which gives each its addresses, the writer of the guest's tree, the
// counts of exits, the VM's reset. A new device is its own file in kernel/dev/, a member and a row
// here.
//
// The list is in the order of the tree's nodes. An interrupt controller comes before the devices
// that are wired to it. Bus and devices have no lock: the VM's device lock is theirs.
#pragma once

#include <cstdint>
#include <span>

#include <cairn/static_vector.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/dev/bus.hpp"
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/empty_virtio_slot.hpp"
#include "kernel/dev/guest_interrupts.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/plic.hpp"
#include "kernel/dev/syscon.hpp"
#include "kernel/dev/uart16550.hpp"

namespace cairn {

class GuestClock;
class GuestVirtio;
class GuestVirtioConsole;

/// The console that a guest's UART is connected to.
struct GuestConsole {
    ByteSink& output;    ///< takes what the guest prints
    InputSource& input;  ///< has what is typed
};

/// What not every VM has. All of it is borrowed.
struct GuestOptions {
    std::span<GuestVirtio* const> virtio;   ///< at most one for each slot
    GuestClock* clock = nullptr;            ///< looks again, too, where the devices were busy
    GuestVirtioConsole* console = nullptr;  ///< the console beside the UART, one of `virtio`
};

struct GuestDevice {
    const DeviceKind* kind;
    GuestRange block;             ///< all of it is the device's, and its node's `reg`
    std::uint32_t interrupt = 0;  ///< its source at `controller`; 0: it has none
    MmioDevice* device;
    const GuestInterrupts* controller = nullptr;  ///< where it has an interrupt
};

class GuestDevices {
  public:
    /// For `cpus` vCPUs, 1 to 32. `power` takes what the guest wants to be done with itself. All
    /// that is borrowed outlives them, but for the `options`, which nobody reaches in the end.
    GuestDevices(std::uint32_t cpus, const GuestConsole& console, PowerEvents& power,
                 const GuestOptions& options = {});
    GuestDevices(const GuestDevices&) = delete;
    GuestDevices& operator=(const GuestDevices&) = delete;

    /// Whether all have let go of the guest's memory (MmioDevice::lets_go).
    [[nodiscard]] bool let_go();
    /// All as after power-on, once they have: from the last to the first, so that an interrupt
    /// controller finds the wires of the others as their resets have left them.
    void reset();

    [[nodiscard]] std::span<const GuestDevice> list() const { return list_; }
    [[nodiscard]] Bus& bus() { return bus_; }
    [[nodiscard]] Uart16550& uart() { return uart_; }
    [[nodiscard]] GuestInterrupts& interrupts() { return plic_; }

  private:
    void add(const GuestDevice& row);
    void add_clock(GuestClock& clock);
    void add_slots(const GuestOptions& options);
    void add_virtio(std::size_t slot, const DeviceKind& kind, MmioDevice& device);

    Bus bus_;
    Plic plic_;
    Uart16550 uart_;
    Syscon syscon_;
    EmptyVirtioSlot empty_slot_;  ///< in those of virtio's that nothing is in
    static_vector<GuestDevice, Bus::max_devices> list_;
};

}  // namespace cairn
