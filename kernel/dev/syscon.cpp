// SPDX-License-Identifier: MIT
#include "kernel/dev/syscon.hpp"

#include <utility>

#include <cairn/fdt_writer.hpp>

namespace cairn {

using namespace std::string_view_literals;
namespace {

constexpr bool has_width(AccessWidth width) {
    return width == AccessWidth::half || width == AccessWidth::word;
}

void write_use(FdtWriter& root, std::uint32_t device, std::string_view name,
               std::string_view compatible, SysconCommand command) {
    root.begin_node(name);
    root.property_string("compatible"sv, compatible);
    root.property_u32("regmap"sv, device);
    root.property_u32("offset"sv, 0);
    root.property_u32("value"sv, std::to_underlying(command));
    root.end_node();
}

}  // namespace

std::expected<std::uint64_t, BusError> Syscon::read(std::uint64_t, AccessWidth width) {
    if (!has_width(width)) return std::unexpected(BusError::width);
    return 0;
}

std::expected<void, BusError> Syscon::write(std::uint64_t offset, AccessWidth width,
                                            std::uint64_t value) {
    if (!has_width(width)) return std::unexpected(BusError::width);
    if (offset != 0) return {};

    const auto code =
        static_cast<std::uint16_t>(width == AccessWidth::word ? (value >> 16) & 0xffff : 0);
    switch (static_cast<SysconCommand>(value & 0xffff)) {
        case SysconCommand::fail: events_.power_off(true, code); break;
        case SysconCommand::pass: events_.power_off(false, 0); break;
        case SysconCommand::reset: events_.reset(); break;
    }
    return {};
}

void Syscon::describe(FdtWriter& node, const TreePhandles& handles) const {
    node.property_u32("phandle"sv, handles.power_device());
}

void Syscon::describe_uses(FdtWriter& root, const TreePhandles& handles) const {
    const std::uint32_t device = handles.power_device();
    write_use(root, device, "poweroff", "syscon-poweroff", SysconCommand::pass);
    write_use(root, device, "reboot", "syscon-reboot", SysconCommand::reset);
}

}  // namespace cairn
