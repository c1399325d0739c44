// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The map of a VM's memory: what it has touched, what it still shares with the archive.
#include <cairn/print.hpp>
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/commands/letter_map.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 3> map_columns{
    {{"address", Look::address, 18}, {"letter", Look::size, 8}, {"letters"}}};
constexpr RecordKind map_kind{"memory-map", Arrangement::table, map_columns};

/// In the order of GuestRam::BlockUse.
constexpr std::string_view letters = ".#swb";
constexpr std::string_view legend =
    ". not touched, # its own, s shared with the archive, w its own since it was written to, b "
    "given back";

void show_map_of(const BuiltVm& built, Answer& answer) {
    const GuestRange all = built.vm->memory().range();
    LetterMap map(letters, all.size / GuestRam::block_size);
    const std::uint64_t letter = map.things_of_letter() * GuestRam::block_size;
    GuestPhys line = all.base;
    const auto show = [&] {
        answer.show(map_kind, {line.value, letter, map.line()});
        line = line + LetterMap::width * letter;
    };
    answer.remark(legend);
    for (GuestPhys at = all.base; at < all.end(); at = at + GuestRam::block_size) {
        if (map.take(static_cast<std::size_t>(built.ram->use_of(at)))) show();
    }
    if (map.finish()) show();
}

}  // namespace

void show_memory_map(Session& session, const CommandLine& line, Answer& answer) {
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        const BuiltVm* const built = vm.built();
        if (built == nullptr) return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        show_map_of(*built, answer);
    });
}

}  // namespace cairn
