// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/manager/life_cycle.hpp"

#include <array>
#include <optional>

#include <cairn/global_heap.hpp>
#include <cairn/print.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/host/cpu/hart_trials.hpp"
#include "kernel/host/cpu/harts.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/host/virtio/host_net.hpp"
#include "kernel/manager/device_work.hpp"
#include "kernel/manager/monitor/monitor.hpp"
#include "kernel/manager/vm_table.hpp"
#include "kernel/sched/hart_loop.hpp"

namespace cairn {
namespace {

constinit HostResources host;
constinit Scheduler scheduler;
constinit VmTable vms;
constinit ConsoleMultiplexer console;
constinit Monitor monitor(vms, scheduler, host, console);
constinit DeviceWork device_work(host.device_tasks());
constinit std::array<HostWork*, 3> works{&vms, &device_work, &monitor};

/// A wire that has not moved for so long is not waited for.
constexpr std::uint64_t seconds_for_console = 5;

/// What each hart that runs guests does.
struct Runner {
    std::optional<HartLoop> loop;

    static void run(void* runner) { static_cast<Runner*>(runner)->loop->run(); }
};
constinit std::array<Runner, Scheduler::max_harts> runners;
static_assert(HostResources::max_guest_harts <= Scheduler::max_harts);

/// Has all harts run guests, this one among them, until the scheduler is closed.
void run_harts() {
    for (std::size_t number = 1; number < scheduler.harts(); ++number)
        run_on_hart(host.guest_hart(number), Runner::run, &runners[number]);
    Runner::run(&runners[0]);
    for (std::size_t number = 1; number < scheduler.harts(); ++number)
        wait_for_hart(host.guest_hart(number));
}

std::optional<Bundle> read_archive(const Machine& machine) {
    if (!machine.initrd) {
        println(
            "cairn: no VM archive: give the boot loader one as its initrd "
            "(tools/pack_bundle.py makes it)");
        return std::nullopt;
    }
    const HostRange where = *machine.initrd;
    auto bundle = read_bundle({reinterpret_cast<const std::byte*>(where.base.value), where.size},
                              {.max_cpus = Vm::max_cpus});
    if (!bundle) {
        println("cairn: {}", bundle.error());
        return std::nullopt;
    }
    return *bundle;
}

struct HartTrial {
    const MachineHart& hart;
    RunningHart found;
};

void try_this_hart(void* trial) {
    auto& self = *static_cast<HartTrial*>(trial);
    const auto isa = machine_isa(self.hart);
    if (!isa) return;
    let_guests_choose_features(*isa);
    self.found.missing = missing_extensions(*isa, self.hart);
    if (self.found.missing.contains(IsaExtension::h) || !isa->contains(IsaExtension::h)) return;
    self.found.stage2 = stage2_abilities();
    if (isa->contains(IsaExtension::v) && !self.found.missing.contains(IsaExtension::v)) {
        self.found.vector_register_bytes = vector_register_bytes();
    }
}

/// What hart `index` lacks of what its node says.
RunningHart running_hart(const Machine& machine, std::size_t index) {
    const std::uint64_t id = ipi_target(index).hart;
    const MachineHart* const hart = machine.hart(id);
    if (index == 0 || hart == nullptr) return {.id = id, .missing = {}};
    HartTrial trial{.hart = *hart, .found = {.id = id, .missing = {}}};
    run_on_hart(index, try_this_hart, &trial);
    wait_for_hart(index);
    return trial.found;
}

/// VMs that are to be at it are refused where there is none.
void take_uplink() {
    if (!host_net().works() ||
        host.networks().add_uplink(host_net(), host.device_tasks(), host.timebase_hz()))
        return;
    println("cairn: the heap has no room for the machine's network");
}

/// Takes what the host has; false, with a sentence in the log, where it cannot run guests.
bool take_host(const ThisMachine& self) {
    static constinit static_vector<RunningHart, max_harts> running;
    for (std::size_t index = 0; index < hart_count(); ++index)
        running.push_back(running_hart(self.machine, index));
    if (!host.take(self, running)) return false;
    take_uplink();
    scheduler.set_rate(host.timebase_hz(), self.options.turn_ms.value_or(Scheduler::usual_turn_ms));
    for (std::size_t number = 0; number < host.guest_hart_count(); ++number) {
        scheduler.add_hart(ipi_target(host.guest_hart(number)));
        runners[number].loop.emplace(scheduler, number, works);
    }
    return true;
}

/// What guests had is all given back by now.
void check_frames(std::uint64_t free_before) {
    const std::uint64_t free = host.frames().free_bytes();
    if (free != free_before)
        println("cairn: {} bytes of frames are free, and {} were", free, free_before);
}

}  // namespace

Outcome run_guests(const ThisMachine& self) {
    static constinit std::optional<Bundle> bundle;
    bundle = read_archive(self.machine);
    if (!bundle || !take_host(self)) return Outcome::failure;
    const VmTable::Settings settings{.quota = self.options.vm_quota,
                                     .count_exits = self.options.count_exits};
    const MachineReport machine = examine_machine(self.machine, self.boot_hart, host);
    FixedBuffer<256> summary;
    write_summary(summary, machine, host);
    println("{}", summary.view());
    monitor.know(machine);
    console.start(monitor);
    const std::uint64_t free_frames = host.frames().free_bytes();
    if (!vms.fill(*bundle, host, scheduler, console, settings)) return Outcome::failure;
    if (!monitor.take_ports()) println("cairn: the heap has no room for the machine's ports");
    vms.start_all();
    const bool interrupts = host_interrupts().is_wired(HostSource::console);
    if (interrupts) console_queue_output(host.timebase_hz() * seconds_for_console);
    run_harts();
    console_flush();
    vms.clear();
    check_frames(free_frames);
    return vms.all_succeeded() ? Outcome::success : Outcome::failure;
}

}  // namespace cairn
