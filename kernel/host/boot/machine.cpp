// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/boot/machine.hpp"

#include <cairn/bits.hpp>
#include "kernel/host/boot/machine_devices.hpp"
#include "kernel/host/memory/range_list.hpp"

namespace cairn {
namespace {

using Reason = MachineError::Reason;
using Step = std::expected<void, MachineError>;

// Ticks of more than a millisecond or less than 10 ps: nothing could be timed by such a clock.
constexpr std::uint64_t slowest_timebase = 1'000;
constexpr std::uint64_t fastest_timebase = 100'000'000'000;

std::unexpected<MachineError> error(Reason reason, std::string_view node = {}) {
    return std::unexpected(MachineError{reason, {}, node});
}

enum class Added : std::uint8_t { yes, wraps, full };

/// Adds a range that is not empty and does not wrap.
template <std::size_t N>
Added add_range(static_vector<HostRange, N>& ranges, FdtReg range) {
    if (range.size == 0) return Added::yes;
    if (!checked_add(range.address, range.size)) return Added::wraps;
    return ranges.try_push_back({{range.address}, range.size}) ? Added::yes : Added::full;
}

/// Adds all of `node`'s `reg`.
template <std::size_t N>
Step add_reg(static_vector<HostRange, N>& ranges, const FdtNode& node, Reason bad, Reason full) {
    const auto reg = node.reg();
    if (!reg) return error(bad, node.name());
    for (const FdtReg range : *reg) {
        const Added added = add_range(ranges, range);
        if (added == Added::wraps) return error(bad, node.name());
        if (added == Added::full) return error(full, node.name());
    }
    return {};
}

/// Adds all of `node`'s `reg`. Machines with several nodes have neighbours, which are one piece.
Step add_memory(RangeList& ranges, const FdtNode& node, bool& overlaps) {
    const auto reg = node.reg();
    if (!reg) return error(Reason::bad_memory, node.name());
    for (const FdtReg each : *reg) {
        if (!checked_add(each.address, each.size)) return error(Reason::bad_memory, node.name());
        const HostRange range{{each.address}, each.size};
        overlaps |= ranges.intersects(range);
        if (!ranges.insert(range)) return error(Reason::too_many_memory_ranges, node.name());
    }
    return {};
}

Step read_memory(const Fdt& fdt, Machine& machine) {
    RangeList ranges;
    for (const FdtNode& node : fdt.root().children()) {
        const bool is_memory =
            node.base_name() == "memory" || node.string("device_type") == "memory";
        if (!is_memory || !node.is_enabled()) continue;
        const Step step = add_memory(ranges, node, machine.memory_overlaps);
        if (!step) return step;
    }
    if (ranges.ranges().empty()) return error(Reason::no_memory);
    for (const HostRange& range : ranges.ranges()) {
        if (!machine.memory.try_push_back(range)) return error(Reason::too_many_memory_ranges);
    }
    return {};
}

Step read_reserved(const Fdt& fdt, Machine& machine) {
    for (std::size_t index = 0; index < fdt.reservation_count(); ++index) {
        const Added added = add_range(machine.reserved, fdt.reservation(index));
        if (added == Added::wraps) return error(Reason::bad_reservation, "/memreserve/");
        if (added == Added::full) return error(Reason::too_many_reservations, "/memreserve/");
    }
    const auto parent = fdt.find("/reserved-memory");
    if (!parent) return {};
    for (const FdtNode& node : parent->children()) {
        // Without a reg it asks for some place, which is its user's business to find.
        if (!node.is_enabled() || !node.property("reg")) continue;
        const Step step =
            add_reg(machine.reserved, node, Reason::bad_reservation, Reason::too_many_reservations);
        if (!step) return step;
    }
    return {};
}

/// The phandle of the hart's own interrupt controller.
std::optional<std::uint32_t> read_interrupt_controller(const FdtNode& cpu) {
    for (const FdtNode& child : cpu.children()) {
        if (!child.is_compatible("riscv,cpu-intc")) continue;
        if (child.u32("#interrupt-cells") != 1u) continue;
        return child.phandle();
    }
    return std::nullopt;
}

std::expected<MachineHart, MachineError> read_hart(const FdtNode& cpu) {
    const auto reg = cpu.reg();
    if (!reg || reg->begin() == FdtRegs::end()) return error(Reason::bad_hart, cpu.name());
    MachineHart hart;
    hart.id = (*reg->begin()).address;
    hart.enabled = cpu.is_enabled();
    hart.isa = cpu.string("riscv,isa").value_or("");
    hart.isa_base = cpu.string("riscv,isa-base").value_or("");
    if (const auto list = cpu.property("riscv,isa-extensions")) {
        hart.isa_extensions = list->strings();
    }
    hart.mmu_type = cpu.string("mmu-type").value_or("");
    hart.cbom_block_size = cpu.u32("riscv,cbom-block-size").value_or(0);
    hart.cboz_block_size = cpu.u32("riscv,cboz-block-size").value_or(0);
    hart.interrupt_controller = read_interrupt_controller(cpu);
    return hart;
}

/// In /cpus; in old trees, in a cpu node.
std::optional<std::uint64_t> read_timebase(const FdtNode& node) {
    const auto property = node.property("timebase-frequency");
    const auto frequency = property ? property->number() : std::nullopt;
    const bool usable =
        frequency && *frequency >= slowest_timebase && *frequency <= fastest_timebase;
    return usable ? frequency : std::nullopt;
}

Step read_cpus(const Fdt& fdt, Machine& machine) {
    const auto cpus = fdt.find("/cpus");
    if (!cpus) return error(Reason::no_cpus);
    auto timebase = read_timebase(*cpus);
    bool any_enabled = false;
    for (const FdtNode& cpu : cpus->children()) {
        if (cpu.string("device_type") != "cpu" && cpu.base_name() != "cpu") continue;
        const auto hart = read_hart(cpu);
        if (!hart) return std::unexpected(hart.error());
        if (machine.hart(hart->id) != nullptr) return error(Reason::bad_hart, cpu.name());
        if (!machine.harts.try_push_back(*hart)) return error(Reason::too_many_harts, cpu.name());
        any_enabled |= hart->enabled;
        if (!timebase) timebase = read_timebase(cpu);
    }
    if (!any_enabled) return error(Reason::no_usable_hart, cpus->name());
    if (!timebase) return error(Reason::no_timebase, cpus->name());
    machine.timebase_hz = *timebase;
    return {};
}

Step read_initrd(const FdtNode& chosen, Machine& machine) {
    const auto start = chosen.property("linux,initrd-start");
    const auto end = chosen.property("linux,initrd-end");
    if (!start && !end) return {};
    const auto first = start ? start->number() : std::nullopt;
    const auto behind = end ? end->number() : std::nullopt;
    if (!first || !behind || *behind < *first) return error(Reason::bad_initrd, chosen.name());
    if (*behind > *first) machine.initrd = HostRange{{*first}, *behind - *first};
    return {};
}

Step read_chosen(const Fdt& fdt, Machine& machine) {
    const auto chosen = fdt.find("/chosen");
    if (!chosen) return {};
    machine.bootargs = chosen->string("bootargs").value_or("");
    if (const auto seed = chosen->property("rng-seed")) machine.rng_seed = seed->value;
    return read_initrd(*chosen, machine);
}

Step read_devices(const Fdt& fdt, Machine& machine) {
    const auto uart = read_uart(fdt);
    if (!uart) return std::unexpected(uart.error());
    machine.uart = *uart;
    const auto plic = read_plic(fdt, machine.uart, machine.harts);
    if (!plic) return std::unexpected(plic.error());
    machine.plic = *plic;
    machine.test_device = read_test_device(fdt);
    machine.rtc = read_rtc(fdt);
    machine.virtio = read_virtio(fdt);
    machine.sswis = read_software_interrupts(fdt, machine.harts);
    return {};
}

}  // namespace

const MachineHart* Machine::hart(std::uint64_t id) const {
    for (const MachineHart& candidate : harts) {
        if (candidate.id == id) return &candidate;
    }
    return nullptr;
}

std::string_view to_string(const MachineError& error) {
    switch (error.reason) {
        case Reason::bad_tree: return to_string(error.tree);
        case Reason::no_memory: return "the device tree describes no memory";
        case Reason::bad_memory: return "a memory node has a malformed reg";
        case Reason::too_many_memory_ranges: return "the machine has more than 64 memory ranges";
        case Reason::bad_reservation: return "a memory reservation is malformed";
        case Reason::too_many_reservations:
            return "the machine has more than 128 memory reservations";
        case Reason::no_cpus: return "the device tree has no /cpus";
        case Reason::no_usable_hart: return "the device tree has no cpu that is enabled";
        case Reason::bad_hart: return "a cpu node has a malformed reg, or another's";
        case Reason::too_many_harts: return "the machine has more than 512 harts";
        case Reason::no_timebase: return "the device tree has no usable timebase-frequency";
        case Reason::bad_uart: return "the console UART has a malformed reg";
        case Reason::bad_plic:
            return "the PLIC lacks a usable reg, riscv,ndev or interrupts-extended";
        case Reason::bad_initrd:
            return "linux,initrd-start and linux,initrd-end in /chosen make no range";
    }
    return "the device tree is unusable";
}

std::optional<MachineDevice> find_test_device(std::span<const std::byte> dtb) {
    const auto fdt = Fdt::parse(dtb);
    return fdt ? read_test_device(*fdt) : std::nullopt;
}

std::expected<Machine, MachineError> read_machine(std::span<const std::byte> dtb) {
    const auto fdt = Fdt::parse(dtb);
    if (!fdt) return std::unexpected(MachineError{Reason::bad_tree, fdt.error(), {}});
    std::expected<Machine, MachineError> machine;
    machine->model = fdt->root().string("model").value_or("");
    for (const auto read : {read_memory, read_reserved, read_cpus, read_chosen, read_devices}) {
        if (const Step step = read(*fdt, *machine); !step) {
            machine = std::unexpected(step.error());
            break;
        }
    }
    return machine;
}

}  // namespace cairn
