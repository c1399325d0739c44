// SPDX-License-Identifier: MIT
// Any bytes as a device tree: parsed, walked in every way, and read as a machine. Random bytes
// seldom have a good header, so the input is also taken as edits of a good tree.
#include <cstdint>
#include <vector>

#include "kernel/host/boot/machine.hpp"
#include "kernel/vm/guest_fdt.hpp"
#include "tests/fuzz/edits.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/vm_heap.hpp"  // devices may have disks

namespace {

/// Touches everything a walk can reach; the sanitizers judge.
std::size_t walk(const cairn::Fdt& fdt) {
    std::size_t seen = fdt.find("serial0/x").has_value();
    for (const cairn::FdtNode& node : fdt.nodes()) {
        seen += node.name().size() + node.phandle().value_or(0) % 2 + node.is_enabled();
        for (const cairn::FdtProperty& property : node.properties()) {
            for (const std::string_view text : property.strings())
                seen += text.size();
            for (std::size_t at = 0; at < property.cell_count(); ++at)
                seen += property.cell(at) % 2;
        }
        const auto regs = node.reg();
        if (!regs) continue;
        for (const cairn::FdtReg reg : *regs)
            seen += fdt.translate(node, reg.address).has_value();
    }
    for (std::size_t at = 0; at < fdt.reservation_count(); ++at) {
        seen += fdt.reservation(at).size % 2;
    }
    return seen;
}

void try_tree(std::span<const std::byte> bytes) {
    const auto fdt = cairn::Fdt::parse(bytes);
    if (!fdt) return;
    [[maybe_unused]] volatile std::size_t seen = walk(*fdt);
    if (const auto machine = cairn::read_machine(bytes); !machine) {
        if (cairn::to_string(machine.error()).empty()) __builtin_trap();
    }
}

std::vector<std::byte> good_tree() {
    std::vector<std::byte> bytes(8192);  // half of it for what a boot loader adds
    cairn::test::Transcript screen;
    cairn::test::Keyboard keyboard;
    cairn::test::PowerLog power;
    const cairn::GuestDevices devices(1, {screen, keyboard}, power);
    const auto tree =
        cairn::write_guest_fdt(bytes, {.memory = {{0x8000'0000}, 0x1000'0000},
                                       .cpus = 1,
                                       .isa = "rv64imac_sstc",
                                       .mmu_type = "riscv,sv39",
                                       .timebase_frequency = 10'000'000,
                                       .bootargs = "x",
                                       .initrd = cairn::GuestRange{{0x8800'0000}, 0x1000},
                                       .rng_seed = {},
                                       .devices = devices.list()});
    if (!tree || !cairn::read_machine(*tree)) __builtin_trap();
    bytes.resize(tree->size());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<std::byte> good = good_tree();
    const auto bytes = std::as_bytes(std::span{data, size});
    try_tree(bytes);
    try_tree(cairn::edited(good, bytes));
    return 0;
}
