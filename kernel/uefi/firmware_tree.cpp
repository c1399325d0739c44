// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/firmware_tree.hpp"

#include <cairn/fdt_format.hpp>

namespace cairn::uefi {
namespace {

/// As in kernel/host/boot/this_machine.cpp: a header that says more is no header.
constexpr std::uint32_t max_tree_size = 16u << 20;

const std::byte* device_tree_of(const SystemTable& table) {
    for (const ConfigurationTable& each : std::span(table.tables, table.table_count)) {
        if (each.guid == device_tree_table) return static_cast<const std::byte*>(each.table);
    }
    return nullptr;
}

}  // namespace

Outcome<Fdt> find_device_tree(const SystemTable& table) {
    const std::byte* tree = device_tree_of(table);
    if (tree == nullptr) {
        return fail(Status::not_found,
                    "a device tree among the firmware's tables (QEMU: -machine acpi=off)");
    }
    const auto size = load_be<std::uint32_t>({tree, fdt_header_size},
                                             static_cast<std::size_t>(FdtHeaderField::total_size));
    const auto parsed = Fdt::parse({tree, size > max_tree_size ? fdt_header_size : size});
    if (!parsed) {
        return fail(Status::incompatible_version, "the firmware's device tree: {}",
                    to_string(parsed.error()));
    }
    return *parsed;
}

Outcome<std::uint64_t> find_boot_hart(Firmware firmware, const Fdt& tree) {
    Status status = Status::not_found;
    if (const auto protocol = firmware.locate<RiscvBoot>()) {
        std::uint64_t hart = 0;
        status = (*protocol)->get_boot_hart_id(*protocol, &hart);
        if (!is_error(status)) return hart;
    } else {
        status = protocol.error();
    }
    if (const auto chosen = tree.find("/chosen")) {
        const auto property = chosen->property("boot-hartid");
        if (const auto hart = property ? property->number() : std::nullopt) return *hart;
    }
    return fail(status, "which hart boots (RISCV_EFI_BOOT_PROTOCOL; boot-hartid in /chosen)");
}

std::string_view boot_arguments(const Fdt& tree) {
    const auto chosen = tree.find("/chosen");
    return chosen ? chosen->string("bootargs").value_or("") : std::string_view();
}

}  // namespace cairn::uefi
