// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/vm/exits/last_exits.hpp"

#include <array>
#include <ranges>

#include <cairn/print.hpp>

namespace cairn {
namespace {

constexpr std::uint64_t ten_millionths = 10'000'000;  // of a second: what is said behind the point

/// The newest of those before `ends`, where there is one.
std::optional<NumberedExit> newest_before(Vm& vm,
                                          const std::array<std::uint64_t, Vm::max_cpus>& ends) {
    std::optional<NumberedExit> newest;
    for (std::uint32_t cpu = 0; cpu < vm.cpus(); ++cpu) {
        if (ends[cpu] == 0) continue;
        const auto record = vm.vcpu(cpu).exit_trace().at(ends[cpu] - 1);
        if (record && (!newest || record->time > newest->record.time))
            newest = {.cpu = cpu, .number = ends[cpu] - 1, .record = *record};
    }
    return newest;
}

void log_exit(Vm& vm, const NumberedExit& exit, std::uint64_t rate) {
    const ExitRecord& record = exit.record;
    FixedBuffer<128> words;
    describe_exit(words, record, cause_of(record, vm.memory().range(), vm.devices().list()));
    const std::uint64_t took = record.ticks * ten_millionths / rate;
    println("vm {}: exit {} of CPU {} at {}.{:07} s, pc {:#x}: {} ({}.{} us, {} instructions)",
            vm.name(), exit.number, exit.cpu, record.time / rate,
            record.time % rate * ten_millionths / rate, record.pc, words.view(), took / 10,
            took % 10, record.instructions);
}

}  // namespace

LastExits last_exits(Vm& vm) {
    LastExits found;
    std::array<std::uint64_t, Vm::max_cpus> ends{};
    for (std::uint32_t cpu = 0; cpu < vm.cpus(); ++cpu)
        ends[cpu] = vm.vcpu(cpu).exit_trace().extent().end;
    while (found.size() < most_last_exits) {
        const auto newest = newest_before(vm, ends);
        if (!newest) break;
        found.push_back(*newest);
        ends[newest->cpu] = newest->number;
    }
    return found;
}

void log_last_exits(Vm& vm, std::uint64_t ticks_per_second) {
    const LastExits exits = last_exits(vm);
    if (exits.empty()) return;
    println("vm {}: its last {} exits:", vm.name(), exits.size());
    for (const NumberedExit& exit : std::views::reverse(exits))
        log_exit(vm, exit, ticks_per_second);
}

}  // namespace cairn
