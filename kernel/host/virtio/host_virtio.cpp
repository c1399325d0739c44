// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/virtio/host_virtio.hpp"

#include <array>

#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include <cairn/vector.hpp>
#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/start/guarded_call.hpp"
#include "kernel/host/boot/entropy.hpp"
#include "kernel/host/disks/host_disk.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/host_console.hpp"
#include "kernel/host/virtio/host_net.hpp"
#include "kernel/host/virtio/host_rng.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {
namespace {

static_assert(max_virtio_slots <= host_virtio_sources);

/// Of a second: how long a device may take for its first answer.
constexpr std::uint64_t patience_share = 8;

class SlotRegisters final : public VirtioRegisters {
  public:
    void use(HostPhys base) { base_ = base.value; }
    [[nodiscard]] std::uint32_t read(virtio_mmio::Register which) override { return *word(which); }
    void write(virtio_mmio::Register which, std::uint32_t value) override { *word(which) = value; }
    [[nodiscard]] std::uint8_t read_config(std::uint64_t at) override {
        const auto config = static_cast<std::uint64_t>(virtio_mmio::Register::config);
        return *reinterpret_cast<const volatile std::uint8_t*>(base_ + config + at);
    }

  private:
    [[nodiscard]] volatile std::uint32_t* word(virtio_mmio::Register which) const {
        return reinterpret_cast<volatile std::uint32_t*>(base_ + static_cast<std::uint64_t>(which));
    }
    std::uint64_t base_ = 0;
};
constinit std::array<SlotRegisters, max_virtio_slots> slots;

/// Has a device serve the interrupts of its slot.
template <class Device>
class SlotInterrupts final : public InterruptHandler {
  public:
    void serve_by(Device& device) { device_ = &device; }
    void interrupted() override { device_->interrupted(); }

  private:
    Device* device_ = nullptr;
};
constinit std::array<SlotInterrupts<HostDisk>, max_virtio_slots> disk_interrupts;
constinit std::array<SlotInterrupts<HostConsole>, max_virtio_slots> console_interrupts;
constinit std::array<vector<HostPort>, max_virtio_slots> console_ports;
constinit SlotInterrupts<HostRng> rng_interrupts;
constinit SlotInterrupts<HostNet> net_interrupts;

void leave_alone(const MachineWiredDevice& device, std::string_view why) {
    println("cairn: device {} at {:#x} is left alone: {}", Plain{device.node},
            device.registers.base.value, why);
}

/// Whether its interrupt is one of the PLIC's sources, and reaches this hart now.
bool wire(const Machine& machine, const MachineWiredDevice& device, HostSource source) {
    if (!machine.plic || !device.interrupt) return false;
    if (device.interrupt_controller != machine.plic->phandle) return false;
    if (*device.interrupt > machine.plic->sources) return false;
    return host_interrupts().wire(source, *device.interrupt);
}

void start_rng(const Machine& machine, std::size_t slot) {
    if (host_rng().works()) return;  // one is enough
    const HostSource source = virtio_source(slot);
    const auto started =
        host_rng().start(slots[slot], source, add_entropy, machine.timebase_hz / patience_share);
    if (!started) return leave_alone(machine.virtio[slot], to_string(started.error()));
    rng_interrupts.serve_by(host_rng());
    host_interrupts().handle_by(source, rng_interrupts);
    if (!wire(machine, machine.virtio[slot], source))
        leave_alone(machine.virtio[slot], "its interrupt reaches nobody");
}

void start_disk(const Machine& machine, std::size_t slot) {
    HostDisk* const disk = next_host_disk();
    if (disk == nullptr) return leave_alone(machine.virtio[slot], "there are too many disks");
    const HostSource source = virtio_source(slot);
    const auto started = disk->start(slots[slot], source);
    if (!started) return leave_alone(machine.virtio[slot], to_string(started.error()));
    disk_interrupts[slot].serve_by(*disk);
    host_interrupts().handle_by(source, disk_interrupts[slot]);
    if (!wire(machine, machine.virtio[slot], source))
        return leave_alone(machine.virtio[slot], "its interrupt reaches nobody");
    add_host_disk();
}

void start_net(const Machine& machine, std::size_t slot) {
    if (host_net().works())
        return leave_alone(machine.virtio[slot], "there is a network device already");
    const HostSource source = virtio_source(slot);
    const auto started = host_net().start(slots[slot], source);
    if (!started) return leave_alone(machine.virtio[slot], to_string(started.error()));
    net_interrupts.serve_by(host_net());
    host_interrupts().handle_by(source, net_interrupts);
    if (wire(machine, machine.virtio[slot], source)) return;
    host_net().leave();
    leave_alone(machine.virtio[slot], "its interrupt reaches nobody");
}

/// False where the heap has no room for them.
bool make_ports(vector<HostPort>& ports, std::uint32_t count) {
    if (!ports.try_reserve(count)) return false;
    while (ports.size() < count)
        ports.emplace_back();
    return true;
}

void start_console(const Machine& machine, std::size_t slot) {
    const MachineWiredDevice& device = machine.virtio[slot];
    HostConsole* const console = next_host_console();
    if (console == nullptr)
        return leave_alone(device, "there are too many consoles, or the heap has no room for it");
    const HostSource source = virtio_source(slot);
    const auto count = console->negotiate(slots[slot], source);
    if (!count) return leave_alone(device, to_string(count.error()));
    if (!make_ports(console_ports[slot], *count))
        return leave_alone(device, "the heap has no room for its ports");
    const auto started = console->start(console_ports[slot]);
    if (!started) return leave_alone(device, to_string(started.error()));
    console_interrupts[slot].serve_by(*console);
    host_interrupts().handle_by(source, console_interrupts[slot]);
    if (wire(machine, device, source)) return add_host_console();
    console->leave();
    leave_alone(device, "its interrupt reaches nobody");
}

void look_into(const Machine& machine, std::size_t slot) {
    slots[slot].use(machine.virtio[slot].registers.base);
    std::expected<std::uint32_t, VirtioFault> found = std::unexpected(VirtioFault::no_virtio);
    const bool completed = completes([&] { found = VirtioTransport(slots[slot]).identify(); });
    if (!completed) return leave_alone(machine.virtio[slot], "its registers cannot be accessed");
    if (!found) return leave_alone(machine.virtio[slot], to_string(found.error()));
    if (*found == virtio::entropy_device_id) start_rng(machine, slot);
    if (*found == virtio::block_device_id) start_disk(machine, slot);
    if (*found == virtio::network_device_id) start_net(machine, slot);
    if (*found == virtio::console_device_id) start_console(machine, slot);
}

}  // namespace

void start_virtio(const Machine& machine) {
    for (std::size_t slot = 0; slot < machine.virtio.size(); ++slot)
        look_into(machine, slot);
}

}  // namespace cairn
