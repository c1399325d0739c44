// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Commands that show VMs.
#include <algorithm>

#include <cairn/fdt_reader.hpp>
#include <cairn/print.hpp>
#include <cairn/vector.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/vm/guest_fdt.hpp"

namespace cairn {
namespace {

constexpr std::uint8_t name_width = 20;

constexpr std::array<Column, 5> vm_columns{{{"front", Look::mark, 1},
                                            {"name", Look::text, name_width},
                                            {"cpus", Look::number, 4, "CPUs"},
                                            {"memory", Look::size, 9},
                                            {"state", Look::state}}};
constexpr RecordKind vm_kind{"vm", Arrangement::table, vm_columns};

constexpr std::array<Column, 17> configuration_columns{
    {{"name"},
     {"state", Look::state},
     {"kernel"},
     {"initrd"},
     {"append"},
     {"memory", Look::size},
     {"cpus", Look::number},
     {"affinity", Look::address},
     {"weight", Look::number},
     {"autostart", Look::flag},
     {"on_power_off", Look::text, 0, "on-power-off"},
     {"on_crash", Look::text, 0, "on-crash"},
     {"core"},
     {"watchdog", Look::number},
     {"console"},
     {"halt"},
     {"trace", Look::number}}};
constexpr RecordKind configuration_kind{"configuration", Arrangement::sheet, configuration_columns};

constexpr std::array<Column, 3> piece_columns{
    {{"guest", Look::address, 18}, {"host", Look::address, 18}, {"size", Look::size, 9}}};
constexpr RecordKind piece_kind{"memory-piece", Arrangement::table, piece_columns};
constexpr std::array<Column, 6> memory_columns{{{"present", Look::size},
                                                {"given_back", Look::size, 0, "given back"},
                                                {"mode"},
                                                {"vmid", Look::number},
                                                {"own", Look::size},
                                                {"quota", Look::size}}};
constexpr RecordKind memory_kind{"memory", Arrangement::sheet, memory_columns};

constexpr std::array<Column, 4> device_columns{{{"address", Look::address, 18},
                                                {"size", Look::size, 9},
                                                {"interrupt", Look::number, 9},
                                                {"device"}}};
constexpr RecordKind device_kind{"device", Arrangement::table, device_columns};

constexpr std::array<Column, 3> property_columns{
    {{"node", Look::text, 30}, {"property", Look::text, 20}, {"value"}}};
constexpr RecordKind property_kind{"property", Arrangement::lines, property_columns};

constexpr std::array<Column, 6> vcpu_columns{{{"vm", Look::text, name_width},
                                              {"cpu", Look::number, 4, "CPU"},
                                              {"ran_ms", Look::number, 10, "ran ms"},
                                              {"waited_ms", Look::number, 10, "waited ms"},
                                              {"turns", Look::number, 9},
                                              {"state"}}};
constexpr RecordKind vcpu_kind{"vcpu", Arrangement::table, vcpu_columns};

constexpr std::array<Column, 5> cause_columns{{{"vm", Look::text, name_width},
                                               {"exits", Look::number, 10},
                                               {"instructions", Look::tenths, 12, "instr. each"},
                                               {"most", Look::number, 9},
                                               {"cause"}}};
constexpr RecordKind cause_kind{"exit-cause", Arrangement::table, cause_columns};

template <class Names, class Choice>
std::string_view name_of(const Names& names, Choice choice) {
    return names[static_cast<std::size_t>(choice)];
}

void show_configuration(const ManagedVm& vm, Answer& answer) {
    const VmConfig& config = vm.config();
    std::optional<std::string_view> initrd;
    if (config.initrd) initrd = config.initrd->path;
    std::optional<std::string_view> core;
    if (config.core) core = config.core->text;
    answer.show(
        configuration_kind,
        {vm.name(), to_string(vm.state()), config.kernel.path, initrd, config.append, config.memory,
         config.cpus, config.affinity, config.weight, static_cast<unsigned>(config.autostart),
         name_of(power_off_policies, config.on_power_off), name_of(crash_policies, config.on_crash),
         core, config.watchdog, name_of(console_places, config.console),
         name_of(halt_policies, config.halt), config.trace});
}

void show_memory_of(const ManagedVm& vm, const BuiltVm& built, Answer& answer) {
    const GuestRam& ram = *built.ram;
    answer.show(memory_kind,
                {ram.present_bytes(), ram.given_back_bytes(), to_string(ram.table().mode()),
                 static_cast<unsigned>(built.vmid.vmid().number), vm.account().live(),
                 vm.account().limit()});
    ram.visit_pieces([&](GuestPhys at, const HostRange& piece) {
        answer.show(piece_kind, {at.value, piece.base.value, piece.size});
    });
}

/// As device trees are written: strings, or cells of 32 bits.
void write_property(Writer& out, const FdtProperty& property) {
    const auto text = property.strings();
    const bool is_text =
        !property.value.empty() && text.text().size() == property.value.size() &&
        std::ranges::all_of(text.text(),
                            [](char c) { return c == '\0' || (c >= ' ' && c < '\x7f'); }) &&
        text.text().front() != '\0';
    if (is_text) {
        for (const std::string_view each : text)
            print(out, "\"{}\" ", each);
        return;
    }
    for (std::size_t i = 0; i < property.cell_count(); ++i)
        print(out, "{:#x} ", property.cell(i));
}

/// The tree as the loader wrote it, but for its random seed.
void show_tree_of(const BuiltVm& built, Answer& answer) {
    vector<std::byte> room;
    if (!room.try_resize(built.plan.fdt.size)) return answer.refuse({}, "the heap is too small");
    GuestFdtConfig config = built.tree;
    if (built.plan.initrd.size != 0) config.initrd = built.plan.initrd;
    const auto written = write_guest_fdt(room, config);
    if (!written) return answer.refuse({}, to_string(written.error()));
    const auto tree = Fdt::parse(*written);
    if (!tree) return answer.refuse({}, to_string(tree.error()));
    for (const FdtNode& node : FdtNodes(tree->root())) {
        for (const FdtProperty& property : node.properties()) {
            FixedBuffer<512> value;
            write_property(value, property);
            std::string_view text = value.view();
            if (text.ends_with(' ')) text.remove_suffix(1);
            answer.show(property_kind,
                        {node.name().empty() ? "/" : node.name(), property.name, text});
        }
    }
}

/// Why it was left, where somebody counts that.
void show_causes(const ManagedVm& vm, Answer& answer) {
    if (vm.built() == nullptr) return;
    ExitCounts* const counts = vm.built()->vm->exit_counts();
    if (counts == nullptr) return;
    counts->visit([&](const ExitCounts::Count& count) {
        FixedBuffer<96> words;
        print_cause(words, count.cause);
        answer.show(cause_kind, {vm.name(), count.exits, count.instructions * 10 / count.exits,
                                 count.most, words.view()});
    });
}

}  // namespace

/// A VM's memory is what it has now.
void list_vms(Session& session, const CommandLine&, Answer& answer) {
    const GuestChannel* const front = session.console.chosen();
    session.vms.visit([&](const ManagedVm& vm) {
        const std::uint64_t given_back =
            vm.built() == nullptr ? 0 : vm.built()->ram->given_back_bytes();
        answer.show(vm_kind,
                    {static_cast<unsigned>(&vm.channel() == front), vm.name(), vm.config().cpus,
                     vm.config().memory - given_back, to_string(vm.state())});
    });
}

void show_info(Session& session, const CommandLine& line, Answer& answer) {
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        show_configuration(vm, answer);
        const BuiltVm* const built = vm.built();
        if (built == nullptr) return;
        show_memory_of(vm, *built, answer);
        vm.visit_devices([&](const GuestDevice& device) {
            std::optional<std::uint32_t> interrupt;
            if (device.interrupt != 0) interrupt = device.interrupt;
            answer.show(device_kind,
                        {device.block.base.value, device.block.size, interrupt, device.kind->name});
        });
    });
}

void show_tree(Session& session, const CommandLine& line, Answer& answer) {
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        const BuiltVm* const built = vm.built();
        if (built == nullptr) return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        show_tree_of(*built, answer);
    });
}

void show_stats(Session& session, const CommandLine& line, Answer& answer) {
    const std::uint64_t per_ms = std::max<std::uint64_t>(session.host.timebase_hz() / 1000, 1);
    session.scheduler.settle(csr_read<Csr::time>());
    const auto show = [&](const ManagedVm& vm) {
        vm.visit_tasks([&](const Task& task) {
            const auto cpu = static_cast<std::uint32_t>(task.vcpu.hart_id());
            answer.show(vcpu_kind,
                        {vm.name(), cpu, task.ran.load() / per_ms, task.waited.load() / per_ms,
                         task.turns.load(), to_string(task.vcpu.vm().harts().state(cpu))});
        });
    };
    const auto show_why = [&](const ManagedVm& vm) { show_causes(vm, answer); };
    if (line.arguments() == 0) {
        session.vms.visit(show);
        return session.vms.visit(show_why);
    }
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        show(vm);
        show_why(vm);
    });
}

}  // namespace cairn
