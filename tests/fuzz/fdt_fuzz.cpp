// SPDX-License-Identifier: MIT
// Any bytes as a device tree: parsed, walked in every way, and read as a machine.
#include <cstdint>
#include <cstring>
#include <memory>

#include "kernel/host/machine.hpp"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    if (const auto fdt = cairn::Fdt::parse(bytes)) {
        [[maybe_unused]] volatile std::size_t seen = walk(*fdt);
    }
    if (const auto machine = cairn::read_machine(bytes); !machine) {
        if (cairn::to_string(machine.error()).empty()) __builtin_trap();
    }
    return 0;
}
