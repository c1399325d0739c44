// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that has a core of a VM written, and waits for it.
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 4> dump_columns{
    {{"vm"}, {"bytes", Look::number}, {"segments", Look::number}, {"vmcoreinfo", Look::flag}}};
constexpr RecordKind dump_kind{"dump", Arrangement::sheet, dump_columns};

std::string_view name_of(const Session& session) {
    return {session.dumped.data(), session.dumped.size()};
}

/// True once it is through.
bool look(Session& session, Answer& answer) {
    const std::string_view name = name_of(session);
    bool goes_on = false;
    std::optional<CoreResult> result;
    const bool is_there = session.vms.rule(name, [&](const ManagedVm& vm) {
        goes_on = vm.dump() != nullptr;
        result = vm.last_dump();
    });
    if (goes_on) {
        session.wait.until = csr_read<Csr::time>() + session.scheduler.turn();
        return false;
    }
    if (!is_there || !result) {
        answer.refuse(name, to_string(VmTableError::no_such_vm));
    } else if (result->fault) {
        answer.refuse(name, to_string(*result->fault));
    } else {
        answer.show(dump_kind, {name, result->bytes, result->segments,
                                static_cast<unsigned>(result->has_vmcoreinfo)});
    }
    return true;
}

void abandon(Session& session) {
    session.vms.abandon_dump(name_of(session));
}

}  // namespace

void dump_vm(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    std::optional<HostDiskName> disk;
    if (line.arguments() > 1) {
        disk = parse_host_disk(line.argument(1));
        if (!disk)
            return answer.refuse(line.argument(1), "write host:0 for the machine's first disk");
    }
    const auto begun = session.vms.dump(name, disk);
    if (!begun) return answer.refuse(name, begun.error());
    session.dumped.clear();
    for (const char letter : name)
        session.dumped.push_back(letter);
    session.wait = {.go_on = look,
                    .until = csr_read<Csr::time>() + session.scheduler.turn(),
                    .abandon = abandon};
}

}  // namespace cairn
