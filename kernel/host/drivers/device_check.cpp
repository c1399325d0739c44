// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/drivers/device_check.hpp"

#include <algorithm>
#include <optional>

#include "kernel/arch/devices/goldfish_rtc_registers.hpp"
#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/arch/devices/uart16550_registers.hpp"
#include "kernel/arch/devices/virtio_mmio_registers.hpp"
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {
namespace {

// "Sv57": physical addresses have at most 56 bits.
constexpr std::uint64_t address_end = 1ull << 56;
constexpr std::uint64_t word = 4;

bool any_overlaps(std::span<const HostRange> ranges, HostRange registers) {
    return std::ranges::any_of(
        ranges, [registers](const HostRange& range) { return range.overlaps(registers); });
}

class Checker {
  public:
    Checker(const Machine& machine, std::span<const HostRange> own)
        : machine_(machine), own_(own) {}

    /// Whether `device`, whose registers must be `needed` bytes at least, may be used.
    bool accepts(const MachineDevice& device, std::uint64_t needed) {
        const auto fault = fault_of(device.registers, needed);
        if (fault) return complain(device, *fault);
        (void)accepted_.try_push_back(device.registers);
        return true;
    }
    bool complain(const MachineDevice& device, DeviceFault fault) {
        (void)complaints_.try_push_back({device, fault});
        return false;
    }
    [[nodiscard]] const DeviceComplaints& complaints() const { return complaints_; }

  private:
    [[nodiscard]] std::optional<DeviceFault> fault_of(HostRange registers,
                                                      std::uint64_t needed) const {
        if (registers.size < needed) return DeviceFault::too_small;
        if (registers.base.value < frame_size || registers.end().value > address_end) {
            return DeviceFault::nowhere;
        }
        if (any_overlaps(machine_.reserved, registers)) return DeviceFault::reserved;
        if (any_overlaps(machine_.memory, registers) || any_overlaps(own_, registers)) {
            return DeviceFault::in_memory;
        }
        if (any_overlaps(accepted_, registers)) return DeviceFault::overlaps_device;
        return std::nullopt;
    }

    const Machine& machine_;
    std::span<const HostRange> own_;
    static_vector<HostRange, max_checked_devices> accepted_;
    DeviceComplaints complaints_;
};

/// Up to the last register of the PLIC that any of the `harts` may use.
std::uint64_t plic_size(std::span<const MachineHart> harts) {
    std::uint64_t needed = plic::context_base;
    for (const MachineHart& hart : harts) {
        if (hart.plic_context) needed = std::max(needed, plic::claim(*hart.plic_context) + word);
    }
    return needed;
}

bool accepts_plic(Checker& checker, const MachinePlic& plic, std::span<const MachineHart> harts) {
    if (plic.sources >= plic::source_limit) {
        return checker.complain(plic, DeviceFault::too_many_sources);
    }
    return checker.accepts(plic, plic_size(harts));
}

/// Harts whose register lies in `registers` are interrupted through the firmware.
void forget_set_ssip(std::span<MachineHart> harts, HostRange registers) {
    for (MachineHart& hart : harts) {
        if (hart.set_ssip && registers.contains(*hart.set_ssip)) hart.set_ssip.reset();
    }
}

}  // namespace

std::string_view to_string(DeviceFault fault) {
    switch (fault) {
        case DeviceFault::nowhere: return "no device can lie there";
        case DeviceFault::in_memory: return "memory lies there";
        case DeviceFault::reserved: return "reserved memory lies there";
        case DeviceFault::overlaps_device: return "another device lies there";
        case DeviceFault::too_small: return "its registers do not reach as far as they must";
        case DeviceFault::too_many_sources: return "its riscv,ndev is above 1023";
    }
    return "unknown error";
}

DeviceComplaints drop_impossible_devices(Machine& machine, std::span<const HostRange> own) {
    Checker checker(machine, own);
    if (machine.uart && !checker.accepts(*machine.uart, uart16550::register_count)) {
        machine.uart.reset();
    }
    if (machine.test_device && !checker.accepts(*machine.test_device, word)) {
        machine.test_device.reset();
    }
    if (machine.plic && !accepts_plic(checker, *machine.plic, machine.harts)) machine.plic.reset();
    if (machine.rtc && !checker.accepts(*machine.rtc, goldfish_rtc::register_bytes)) {
        machine.rtc.reset();
    }
    static_vector<MachineWiredDevice, max_virtio_slots> slots;
    for (const MachineWiredDevice& slot : machine.virtio) {
        if (checker.accepts(slot, virtio_mmio::block_size)) slots.push_back(slot);
    }
    machine.virtio = slots;
    static_vector<MachineDevice, max_sswis> sswis;
    for (const MachineDevice& sswi : machine.sswis) {
        if (checker.accepts(sswi, word)) {
            (void)sswis.try_push_back(sswi);
        } else {
            forget_set_ssip(machine.harts, sswi.registers);
        }
    }
    machine.sswis = sswis;
    return checker.complaints();
}

}  // namespace cairn
