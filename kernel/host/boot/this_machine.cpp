// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/boot/this_machine.hpp"

#include <algorithm>

#include <cairn/fdt_format.hpp>
#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include "kernel/arch/start/guarded_call.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/host/drivers/device_check.hpp"
#include "kernel/host/drivers/host_clock.hpp"
#include "kernel/host/drivers/interrupt_controller.hpp"
#include "kernel/host/drivers/rtc_driver.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/host/reports/fatal.hpp"

namespace cairn {
namespace {

constinit ThisMachine this_machine;

/// No boot loader gives a tree of more than a few hundred KiB; a header that says more is no
/// header.
constexpr std::uint64_t max_tree_size = 16u << 20;

/// Of a second: how long a UART may take for what the firmware has left in it, which are 64
/// characters at 9600 baud and more.
constexpr std::uint64_t patience_share = 8;

/// Whether each page of what the boot loader has left can be read.
bool is_readable(const std::byte* base, std::uint64_t size) {
    return completes([=] {
        const auto read = [=](std::uint64_t at) {
            (void)*static_cast<const volatile std::byte*>(base + at);
        };
        for (std::uint64_t at = 0; at < size; at += frame_size)
            read(at);
        if (size != 0) read(size - 1);
    });
}

std::span<const std::byte> tree_bytes(const std::byte* tree) {
    if (tree == nullptr || reinterpret_cast<std::uintptr_t>(tree) % 8 != 0) {
        stop_machine("no usable device tree: the boot loader left {} in a1",
                     static_cast<const void*>(tree));
    }
    if (!is_readable(tree, fdt_header_size)) {
        stop_machine("no usable device tree: {}, where the boot loader says, cannot be read",
                     static_cast<const void*>(tree));
    }
    const std::span header(tree, fdt_header_size);
    const auto magic =
        load_be<std::uint32_t>(header, static_cast<std::size_t>(FdtHeaderField::magic));
    const auto size =
        load_be<std::uint32_t>(header, static_cast<std::size_t>(FdtHeaderField::total_size));
    if (magic != fdt_magic || size > max_tree_size) {
        stop_machine("no usable device tree: there is none at {}, where the boot loader says",
                     static_cast<const void*>(tree));
    }
    if (!is_readable(tree, size)) {
        stop_machine("no usable device tree: the one at {} ends where nothing can be read",
                     static_cast<const void*>(tree));
    }
    return {tree, size};
}

bool is_in_memory(const Machine& machine, HostRange range) {
    return std::ranges::any_of(machine.memory, [range](const HostRange& memory) {
        return memory.contains(range.base, range.size);
    });
}

constexpr std::uint64_t mib(std::uint64_t bytes) {
    return bytes >> 20;
}

std::uint64_t memory_bytes(const Machine& machine) {
    std::uint64_t sum = 0;
    for (const HostRange& range : machine.memory) {
        sum += range.size;
    }
    return sum;
}

void check_apart(HostRange own, HostRange other, std::string_view what, const Machine& machine) {
    if (!own.overlaps(other)) return;
    stop_machine(
        "the boot loader put the {} at {:#x}, inside the hypervisor's own memory "
        "({:#x} to {:#x}): the machine's {} MiB of RAM are too few",
        what, other.base.value, own.base.value, own.end().value, mib(memory_bytes(machine)));
}

void prefer(const Door& door, Machine& machine) {
    if (!door.memory.empty()) machine.memory = door.memory;
    if (door.archive) machine.initrd = door.archive;
    if (door.command_line) machine.bootargs = *door.command_line;
}

/// The tree's own words about what is left alone.
void say_what_cannot_be(const DeviceComplaints& complaints) {
    for (const DeviceComplaint& complaint : complaints) {
        println("cairn: device {} at {:#x} is left alone: {}", Plain{complaint.device.node},
                complaint.device.registers.base.value, to_string(complaint.fault));
    }
}

/// Whoever fails from here on can say so, whatever else is wrong with the tree.
void find_a_way_to_fail(std::span<const std::byte> tree) {
    const auto device = find_test_device(tree);
    const bool apart = device && std::ranges::none_of(door().own, [&](const HostRange& own) {
                           return own.overlaps(device->registers);
                       });
    if (apart) use_test_device(device);
}

/// Whether the UART's interrupt is one of the PLIC's sources.
bool interrupt_is_wired(const Machine& machine) {
    if (!machine.plic || !machine.uart->interrupt) return false;
    const std::uint32_t source = *machine.uart->interrupt;
    return machine.uart->interrupt_controller == machine.plic->phandle && source != 0 &&
           source <= machine.plic->sources;
}

bool route_console_input(const Machine& machine, std::uint32_t context) {
    HostInterruptController* const plic = start_interrupt_controller(*machine.plic, context);
    if (plic == nullptr) return false;
    host_interrupts().start(*plic);
    return host_interrupts().wire(HostSource::console, *machine.uart->interrupt);
}

/// What the tree says of devices and memory, beside itself.
void check_claims(ThisMachine& self) {
    if (self.machine.memory_overlaps && door().memory.empty()) {
        println("cairn: the device tree names some of the machine's memory twice: it counts once");
    }
    static_vector<HostRange, 3> own;
    for (const HostRange& range : self.own)
        own.push_back(range);
    own.push_back(self.device_tree);
    say_what_cannot_be(drop_impossible_devices(self.machine, own));
}

void check_own_range(const ThisMachine& self, HostRange own) {
    if (!is_in_memory(self.machine, own)) {
        stop_machine(
            "too little RAM: image, stack and heap need {} MiB up to {:#x}, and the "
            "machine has {} MiB",
            mib(own.size) + 1, own.end().value, mib(memory_bytes(self.machine)));
    }
    check_apart(own, self.device_tree, "device tree", self.machine);
    for (const HostRange& reserved : self.machine.reserved) {
        if (!own.overlaps(reserved)) continue;
        stop_machine("the machine reserves {:#x} to {:#x}, inside the hypervisor's own memory",
                     reserved.base.value, reserved.end().value);
    }
    if (self.machine.initrd) check_apart(own, *self.machine.initrd, "VM archive", self.machine);
}

}  // namespace

const ThisMachine& read_this_machine(std::uint64_t boot_hart, const std::byte* device_tree) {
    const auto bytes = tree_bytes(device_tree);
    find_a_way_to_fail(bytes);
    auto machine = read_machine(bytes);
    if (!machine) {
        stop_machine("no usable device tree: {}{}{}", to_string(machine.error()),
                     machine.error().node.empty() ? "" : ", at node ", Plain{machine.error().node});
    }
    prefer(door(), *machine);
    this_machine.machine = *machine;
    this_machine.own = door().own;
    this_machine.device_tree = {{reinterpret_cast<std::uintptr_t>(device_tree)}, bytes.size()};
    this_machine.boot_hart = boot_hart;
    check_claims(this_machine);
    use_test_device(this_machine.machine.test_device);
    const auto options = parse_boot_options(machine->bootargs);
    if (!options) {
        stop_machine("boot option {}: expected {}", Quoted{options.error().word},
                     options.error().expected);
    }
    this_machine.options = *options;
    return this_machine;
}

const BootOptions& boot_options() {
    return this_machine.options;
}

void check_own_memory(const ThisMachine& self) {
    for (const HostRange& own : self.own)
        check_own_range(self, own);
    if (!self.machine.initrd) return;
    const HostRange archive = *self.machine.initrd;
    if (!is_in_memory(self.machine, archive)) {
        stop_machine("the VM archive at {:#x} does not lie in RAM", archive.base.value);
    }
    if (!is_readable(reinterpret_cast<const std::byte*>(archive.base.value), archive.size)) {
        stop_machine("the VM archive at {:#x} to {:#x} cannot be read: other memory lies there",
                     archive.base.value, archive.end().value);
    }
}

void start_clock(const ThisMachine& self) {
    const Machine& machine = self.machine;
    HostRtc* const rtc = machine.rtc ? start_rtc(*machine.rtc) : nullptr;
    host_clock().start(rtc, machine.timebase_hz);
    if (rtc != nullptr) return;
    println("cairn: {}: guests' clocks count from its start, as if that were 1970-01-01",
            machine.rtc ? "the machine's clock does not work" : "the machine has no clock");
}

void start_devices(const ThisMachine& self) {
    const Machine& machine = self.machine;
    if (!machine.uart) {
        println("console: the firmware's; the machine has no 16550 that I know, so input is off");
        return;
    }
    const auto moved = move_console_to(*machine.uart, machine.timebase_hz / patience_share);
    if (!moved) {
        println("console: the firmware's; {} is no 16550 that works: {}; so input is off",
                Plain{machine.uart->node}, to_string(moved.error()));
        return;
    }
    const MachineHart* hart = machine.hart(self.boot_hart);
    if (!interrupt_is_wired(machine) || hart == nullptr || !hart->plic_context) {
        println("console: no interrupt of the 16550 reaches hart {}, so input is off",
                self.boot_hart);
        return;
    }
    if (!route_console_input(machine, *hart->plic_context)) {
        println("console: {} is no PLIC that works, so input is off", Plain{machine.plic->node});
    }
}

}  // namespace cairn
