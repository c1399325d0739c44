// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Who uses the harts: what the scheduler has on its account now, less what it had some time ago.
#include <algorithm>

#include <cairn/byte_size.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/monitor/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t most_seconds = 60;
constexpr std::uint64_t per_mille = 1000;

constexpr std::array<Column, 5> load_columns{{{"vm", Look::text, 20},
                                              {"cpu", Look::number, 4, "CPU"},
                                              {"run", Look::tenths, 8, "run %"},
                                              {"steal", Look::tenths, 8, "steal %"},
                                              {"idle", Look::tenths, 8, "idle %"}}};
constexpr RecordKind load_kind{"load", Arrangement::table, load_columns};
constexpr std::array<Column, 3> hart_columns{{{"number", Look::number, 6, "hart"},
                                              {"busy", Look::tenths, 8, "busy %"},
                                              {"idle", Look::tenths, 8, "idle %"}}};
constexpr RecordKind hart_load_kind{"hart-load", Arrangement::table, hart_columns};

/// A part of `interval`, in tenths of a per cent.
std::uint64_t part(std::uint64_t ticks, std::uint64_t interval) {
    return (ticks * per_mille + interval / 2) / interval;
}

/// Of one vCPU, or the sum of a VM's.
struct Load {
    std::uint64_t run = 0;
    std::uint64_t steal = 0;
    std::uint64_t idle = 0;

    void add(const Load& other) {
        run += other.run;
        steal += other.steal;
        idle += other.idle;
    }
};

/// What `task` has had since `begin`: from nothing where it was not there, or was made anew.
Load load_of(const TopBegin& begin, std::string_view vm, const Task& task, std::uint64_t interval) {
    const auto found = std::ranges::find_if(begin.vcpus, [&](const VcpuTimes& each) {
        return std::string_view(each.vm.data(), each.vm.size()) == vm &&
               each.cpu == task.vcpu.hart_id();
    });
    std::uint64_t ran = task.ran.load();
    std::uint64_t waited = task.waited.load();
    if (found != begin.vcpus.end() && found->ran <= ran && found->waited <= waited) {
        ran -= found->ran;
        waited -= found->waited;
    }
    const std::uint64_t run = std::min(part(ran, interval), per_mille);
    const std::uint64_t steal = std::min(part(waited, interval), per_mille - run);
    return {.run = run, .steal = steal, .idle = per_mille - run - steal};
}

void show_vm(const TopBegin& begin, const ManagedVm& vm, std::uint64_t interval, Answer& answer) {
    Load sum;
    vm.visit_tasks([&](const Task& task) { sum.add(load_of(begin, vm.name(), task, interval)); });
    if (vm.built() == nullptr) return;
    answer.show(load_kind, {vm.name(), std::nullopt, sum.run, sum.steal, sum.idle});
    if (vm.config().cpus == 1) return;
    vm.visit_tasks([&](const Task& task) {
        const Load load = load_of(begin, vm.name(), task, interval);
        answer.show(load_kind, {vm.name(), task.vcpu.hart_id(), load.run, load.steal, load.idle});
    });
}

bool show_loads(Session& session, Answer& answer) {
    const std::uint64_t now = csr_read<Csr::time>();
    if (now < session.wait.until) return false;
    TopBegin& begin = session.top;
    const std::uint64_t interval = std::max<std::uint64_t>(now - begin.time, 1);
    Scheduler& scheduler = session.scheduler;
    scheduler.settle(now);
    for (std::size_t hart = 0; hart < scheduler.harts(); ++hart) {
        const std::uint64_t ran = scheduler.busy(hart) - begin.busy[hart];
        const std::uint64_t busy = std::min(part(ran, interval), per_mille);
        answer.show(hart_load_kind, {hart, busy, per_mille - busy});
    }
    session.vms.visit([&](const ManagedVm& vm) { show_vm(begin, vm, interval, answer); });
    begin.forget();
    return true;
}

/// False where there is no memory for it.
bool begin_top(Session& session, std::uint64_t now) {
    TopBegin& begin = session.top;
    begin.time = now;
    begin.forget();
    session.scheduler.settle(now);
    for (std::size_t hart = 0; hart < session.scheduler.harts(); ++hart)
        begin.busy[hart] = session.scheduler.busy(hart);
    bool fits = true;
    session.vms.visit([&](const ManagedVm& vm) {
        vm.visit_tasks([&](const Task& task) {
            VcpuTimes times{.vm = {},
                            .cpu = static_cast<std::uint32_t>(task.vcpu.hart_id()),
                            .ran = task.ran.load(),
                            .waited = task.waited.load()};
            for (const char letter : vm.name())
                times.vm.push_back(letter);
            fits = begin.vcpus.try_push_back(times).has_value() && fits;
        });
    });
    return fits;
}

}  // namespace

void show_top(Session& session, const CommandLine& line, Answer& answer) {
    const auto seconds =
        line.arguments() != 0 ? parse_byte_size(line.argument(0)) : std::optional<std::uint64_t>(1);
    if (!seconds || *seconds == 0 || *seconds > most_seconds)
        return answer.refuse(line.argument(0), "write a number of seconds from 1 to 60");
    const std::uint64_t now = csr_read<Csr::time>();
    if (!begin_top(session, now)) return answer.refuse({}, "the heap is too small");
    session.wait = {.go_on = show_loads, .until = now + *seconds * session.host.timebase_hz()};
}

}  // namespace cairn
