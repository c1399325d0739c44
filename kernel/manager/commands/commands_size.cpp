// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that says how large the terminal at a VM's console is.
#include <charconv>

#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 3> size_columns{
    {{"vm"}, {"columns", Look::number}, {"rows", Look::number}}};
constexpr RecordKind size_kind{"size", Arrangement::sheet, size_columns};

/// "80x24"; 0 by 0: it is none.
virtio_console::Size parse_size(std::string_view text) {
    virtio_console::Size size{};
    const char* const end = text.data() + text.size();
    const auto [middle, error] = std::from_chars(text.data(), end, size.cols);
    if (error != std::errc{} || middle == end || *middle != 'x' || size.cols == 0) return {};
    const auto [rest, other_error] = std::from_chars(middle + 1, end, size.rows);
    if (other_error != std::errc{} || rest != end || size.rows == 0) return {};
    return size;
}

void show(std::string_view name, virtio_console::Size size, Answer& answer) {
    if (size == virtio_console::Size{})
        return answer.show(size_kind, {name, std::nullopt, std::nullopt});
    answer.show(size_kind, {name, unsigned{size.cols}, unsigned{size.rows}});
}

}  // namespace

void rule_size(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    const bool is_there = session.vms.rule(name, [&](ManagedVm& vm) {
        if (!vm.config().virtio_console)
            return answer.refuse(
                name, "it has no virtio console: its vm.conf needs virtio-console = yes");
        if (line.arguments() == 1) return show(name, vm.channel().size(), answer);
        const virtio_console::Size size = parse_size(line.argument(1));
        if (size == virtio_console::Size{})
            return answer.refuse(line.argument(1),
                                 "write columns and rows from 1 to 65535, as in 80x24");
        vm.channel().resize(size);
    });
    if (!is_there) answer.refuse(name, to_string(VmTableError::no_such_vm));
}

}  // namespace cairn
