// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that asks a guest for memory, or gives it some again.
#include <cairn/byte_size.hpp>
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 10> balloon_columns{{{"vm"},
                                                  {"memory", Look::size},
                                                  {"target", Look::size},
                                                  {"inside", Look::size},
                                                  {"given_back", Look::size, 0, "given back"},
                                                  {"waits", Look::flag},
                                                  {"total", Look::size, 0, "its total"},
                                                  {"free", Look::size, 0, "its free"},
                                                  {"available", Look::size, 0, "its available"},
                                                  {"caches", Look::size, 0, "its caches"}}};
constexpr RecordKind balloon_kind{"balloon", Arrangement::sheet, balloon_columns};

void show(std::string_view name, const GuestBalloon::Figures& figures, Answer& answer) {
    answer.show(balloon_kind,
                {name, figures.memory, figures.target, figures.inside, figures.given_back,
                 static_cast<unsigned>(figures.is_waiting), figures.stats.total, figures.stats.free,
                 figures.stats.available, figures.stats.caches});
}

}  // namespace

void rule_balloon(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    const auto size =
        line.arguments() > 1 ? parse_byte_size(line.argument(1)) : std::optional<std::uint64_t>();
    const bool is_there = session.vms.rule(name, [&](const ManagedVm& vm) {
        if (!vm.is_running()) return answer.refuse(name, to_string(VmTableError::not_running));
        if (vm.balloon() == nullptr)
            return answer.refuse(name, "it has no balloon: its vm.conf needs balloon = yes");
        if (line.arguments() == 1) return show(name, vm.balloon()->figures(), answer);
        if (!size || *size < VmConfigLimits{}.min_memory || *size > vm.config().memory)
            return answer.refuse(line.argument(1), "write a size from 8M to all of its memory");
        vm.balloon()->want(*size);
    });
    if (!is_there) answer.refuse(name, to_string(VmTableError::no_such_vm));
}

}  // namespace cairn
