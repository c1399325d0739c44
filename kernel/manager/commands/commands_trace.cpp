// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Traces of exits: turned on and off, and dumped piece by piece, so that guests run meanwhile.
#include <algorithm>
#include <charconv>
#include <system_error>

#include <cairn/print.hpp>
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/commands/subject.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t piece = 64;  // exits of a dump that one look at it writes
constexpr std::uint64_t all = ~std::uint64_t{0};
constexpr std::uint64_t at_once = 0;

constexpr std::array<Column, 7> trace_columns{{{"vm", Look::text, 20},
                                               {"cpu", Look::number, 4, "CPU"},
                                               {"on", Look::flag, 4, "on"},
                                               {"entries", Look::number, 8},
                                               {"exits", Look::number, 10},
                                               {"kept", Look::number, 8},
                                               {"lost", Look::number, 10}}};
constexpr RecordKind trace_kind{"trace", Arrangement::table, trace_columns};

constexpr std::array<Column, 12> exit_columns{{{"vm"},
                                               {"cpu", Look::number},
                                               {"number", Look::number},
                                               {"time_us", Look::tenths},
                                               {"took_us", Look::tenths},
                                               {"instructions", Look::number},
                                               {"mode"},
                                               {"pc", Look::address},
                                               {"cause"},
                                               {"address", Look::address},
                                               {"value", Look::address},
                                               {"left", Look::flag}}};
constexpr RecordKind exit_kind{"exit", Arrangement::table, exit_columns};
// The same for people.
constexpr std::array<Column, 7> line_columns{{{"cpu", Look::number, 3, "CPU"},
                                              {"number", Look::number, 8, "exit"},
                                              {"time_us", Look::tenths, 13, "time us"},
                                              {"took_us", Look::tenths, 8, "took us"},
                                              {"instructions", Look::number, 6, "instr."},
                                              {"pc", Look::address, 18},
                                              {"words", Look::text, 0, "cause"}}};
constexpr RecordKind line_kind{"exit", Arrangement::table, line_columns};

/// The number that is argument 2, from 1 to `most`; `usual` where there is none.
std::optional<std::uint32_t> count_in(const CommandLine& line, std::uint32_t usual) {
    if (line.arguments() < 3) return usual;
    const std::string_view text = line.argument(2);
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (rest != end || error != std::errc{} || number == 0 || number > ExitTrace::most_entries)
        return std::nullopt;
    return number;
}

void show_extents(const ManagedVm& vm, std::optional<std::uint32_t> cpu, Answer& answer) {
    vm.visit_tasks([&](const Task& task) {
        const auto number = static_cast<std::uint32_t>(task.vcpu.hart_id());
        if (cpu && *cpu != number) return;
        const auto extent = task.vcpu.exit_trace().extent();
        answer.show(trace_kind,
                    {vm.name(), number, static_cast<unsigned>(extent.capacity != 0),
                     extent.capacity, extent.end, extent.end - extent.first, extent.first});
    });
}

/// In tenths of a microsecond.
std::uint64_t tenths(std::uint64_t ticks, std::uint64_t rate) {
    constexpr std::uint64_t per_second = 10'000'000;
    return ticks / rate * per_second + ticks % rate * per_second / rate;
}

/// What the columns of an exit are made of.
void show_exit(const TraceDump& dump, Vm& vm, const ExitRecord& record, std::uint64_t rate,
               Answer& answer) {
    const ExitCause cause = cause_of(record, vm.memory().range(), vm.devices().list());
    FixedBuffer<128> words;
    describe_exit(words, record, cause);
    const std::optional<std::uint64_t> instructions =
        record.instructions != 0 ? std::optional<std::uint64_t>(record.instructions) : std::nullopt;
    const std::uint64_t time = tenths(record.time, rate);
    const std::uint64_t took = tenths(record.ticks, rate);
    if (!dump.json)
        return answer.show(
            line_kind, {dump.cpu, dump.number, time, took, instructions, record.pc, words.view()});
    FixedBuffer<96> name;
    print_cause(name, cause);
    std::optional<std::uint64_t> address;
    std::optional<std::uint64_t> value;
    if (is_guest_page_fault(record.scause())) address = record.subject;
    if (record.has_value) value = record.value;
    answer.show(exit_kind, {vm.name(), dump.cpu, dump.number, time, took, instructions,
                            record.is_user ? "VU" : "VS", record.pc, name.view(), address, value,
                            static_cast<unsigned>(record.left)});
}

/// Of the vCPU at hand: what comes meanwhile is not part of the dump.
void begin_vcpu(TraceDump& dump, const ExitTrace& trace) {
    const auto extent = trace.extent();
    dump.end = extent.end;
    dump.number = extent.end - std::min(extent.end - extent.first, dump.most);
    dump.has_begun = true;
}

/// A piece of the dump; true where it was the last.
bool dump_piece(TraceDump& dump, Vm& vm, std::uint64_t rate, Answer& answer) {
    for (std::uint64_t left = piece; left != 0 && dump.cpu < dump.end_cpu;) {
        const ExitTrace& trace = vm.vcpu(dump.cpu).exit_trace();
        if (!dump.has_begun) begin_vcpu(dump, trace);
        dump.number = std::max(dump.number, trace.extent().first);  // some may be lost by now
        for (; left != 0 && dump.number < dump.end; ++dump.number, --left)
            if (const auto record = trace.at(dump.number))
                show_exit(dump, vm, *record, rate, answer);
        if (dump.number < dump.end) break;
        ++dump.cpu;
        dump.has_begun = false;
    }
    return dump.cpu >= dump.end_cpu;
}

bool go_on_dumping(Session& session, Answer& answer) {
    TraceDump& dump = session.dump;
    bool is_through = true;
    with_vm(session, dump.name(), answer, [&](const ManagedVm& vm) {
        if (vm.built() == nullptr)
            return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        dump.end_cpu = std::min(dump.end_cpu, vm.config().cpus);
        is_through = dump_piece(dump, *vm.built()->vm, session.host.timebase_hz(), answer);
    });
    return is_through;
}

void begin_dump(Session& session, const Subject& subject, std::uint64_t most, bool json,
                Answer& answer) {
    TraceDump& dump = session.dump;
    dump = {.most = most, .json = json};
    bool can_be = false;
    with_vm(session, subject.vm, answer, [&](const ManagedVm& vm) {
        if (vm.built() == nullptr)
            return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        if (subject.cpu && *subject.cpu >= vm.config().cpus)
            return answer.refuse(vm.name(), to_string(VmTableError::no_such_vcpu));
        dump.cpu = subject.cpu.value_or(0);
        dump.end_cpu = subject.cpu ? *subject.cpu + 1 : vm.config().cpus;
        for (const char letter : vm.name())
            dump.vm.push_back(letter);
        show_extents(vm, subject.cpu, answer);
        can_be = true;
    });
    if (can_be && !go_on_dumping(session, answer))
        session.wait = {.go_on = go_on_dumping, .until = at_once};
}

}  // namespace

void trace_exits(Session& session, const CommandLine& line, Answer& answer) {
    const Subject subject = subject_of(session, line.argument(0));
    const std::string_view action = line.argument(1);
    const auto count = count_in(line, action == "on" ? ExitTrace::usual_entries : 0);
    if (!count || (line.arguments() > 2 && action == "off"))
        return answer.refuse(line.argument(2), "write on or dump, and a number from 1 to 65536");
    VmTable::Result result;
    if (action.empty()) {
        return with_vm(session, subject.vm, answer,
                       [&](const ManagedVm& vm) { show_extents(vm, subject.cpu, answer); });
    }
    if (action == "dump")
        return begin_dump(session, subject, *count == 0 ? all : *count, line.json, answer);
    if (action == "on") {
        result = session.vms.trace(subject.vm, subject.cpu, *count);
    } else if (action == "off") {
        result = session.vms.end_trace(subject.vm, subject.cpu);
    } else {
        return answer.refuse(action, "write on, off or dump");
    }
    if (!result) answer.refuse(line.argument(0), to_string(result.error()));
}

}  // namespace cairn
