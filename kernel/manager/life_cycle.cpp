// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/manager/life_cycle.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/host/cpu/hart_trials.hpp"
#include "kernel/host/cpu/harts.hpp"
#include "kernel/manager/guest_loader.hpp"
#include "kernel/manager/vm_builder.hpp"
#include "kernel/sched/hart_loop.hpp"
#include "kernel/vm/vm_memory.hpp"

namespace cairn {
namespace {

constexpr std::size_t rng_seed_size = 32;

constinit HostResources host;
constinit ExitCounts exit_counts;

/// Loads the guest afresh; each start gets a random seed of its own.
std::expected<GuestEntry, GuestLoadError> load(BuiltVm& built) {
    if (built.ram->present_bytes() != 0) {  // it runs again
        built.ram->forget();
        built.vmid.renew();
        built.use_table();
    }
    std::array<std::byte, rng_seed_size> seed{};
    platform_random(seed);
    GuestFdtConfig tree = built.tree;
    tree.rng_seed = seed;
    return load_guest(*built.bundle, built.plan, built.vm->memory(), tree);
}

void run_vcpu_here(void* vcpu) {
    run_vcpu(*static_cast<Vcpu*>(vcpu));
}

/// Runs every vCPU on its hart, the first on this one, until all have left the guest.
void run_vcpus(Vm& vm) {
    for (std::uint32_t cpu = 1; cpu < vm.cpus(); ++cpu)
        run_on_hart(host.guest_hart(cpu), run_vcpu_here, &vm.vcpu(cpu));
    run_vcpu(vm.vcpu());
    for (std::uint32_t cpu = 1; cpu < vm.cpus(); ++cpu)
        wait_for_hart(host.guest_hart(cpu));
}

/// One run, from power-on to whatever ends it.
StopReason run_once(BuiltVm& built) {
    Vm& vm = *built.vm;
    vm.reset_devices();
    const auto entry = load(built);
    if (!entry) {
        println("vm {}: it cannot be loaded: {}", vm.name(), to_string(entry.error()));
        return StopReason::killed;
    }
    vm.harts().power_on({.address = entry->pc.value, .opaque = entry->device_tree.value});
    run_vcpus(vm);
    return vm.stopped().value_or(StopReason::killed);
}

Outcome run_to_the_end(BuiltVm& built) {
    for (;;) {
        switch (run_once(built)) {
            case StopReason::power_off:
                println("vm {}: powered off", built.vm->name());
                return Outcome::success;
            case StopReason::failed:
                println("vm {}: powered off, and says that it failed", built.vm->name());
                return Outcome::failure;
            case StopReason::killed: return Outcome::failure;
            case StopReason::reset: println("vm {}: reset", built.vm->name()); break;
        }
    }
}

std::optional<Bundle> read_archive(const Machine& machine) {
    if (!machine.initrd) {
        println(
            "cairn: no VM archive: give the boot loader one as its initrd "
            "(tools/pack_bundle.py makes it)");
        return std::nullopt;
    }
    const HostRange where = *machine.initrd;
    const auto harts = std::min(hart_count(), std::size_t{Vm::max_cpus});
    auto bundle = read_bundle({reinterpret_cast<const std::byte*>(where.base.value), where.size},
                              {.max_cpus = static_cast<std::uint32_t>(harts)});
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
    if (isa->contains(IsaExtension::svadu)) let_guests_choose_ad_updates();
    self.found.missing = missing_extensions(*isa, self.hart);
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

/// Takes what the host has; false, with a sentence in the log, where `config` needs more harts.
bool take_host(const ThisMachine& self, const VmConfig& config) {
    static constinit static_vector<RunningHart, max_harts> running;
    for (std::size_t index = 0; index < hart_count(); ++index)
        running.push_back(running_hart(self.machine, index));
    if (!host.take(self, running)) return false;
    if (config.cpus <= host.guest_hart_count()) return true;
    println("cairn: vm {}: it has {} CPUs, and {} of the machine's harts can run guests",
            config.name, config.cpus, host.guest_hart_count());
    return false;
}

}  // namespace

Outcome run_guests(const ThisMachine& self) {
    const auto bundle = read_archive(self.machine);
    if (!bundle) return Outcome::failure;
    if (bundle->vms().size() > 1) {
        println("cairn: the archive holds {} VMs, and this version runs one: '{}' alone is started",
                bundle->vms().size(), bundle->vms().front().config.name);
    }
    const VmConfig& config = bundle->vms().front().config;
    if (!take_host(self, config)) return Outcome::failure;
    const auto limit = self.options.vm_quota.value_or(VmMemory::default_limit(config.memory));
    VmMemory memory(global_heap(), host.frames(), config.name, limit);
    auto built = build_vm(host, bundle->vms().front(), memory);
    if (!built) return Outcome::failure;
    if (self.options.count_exits) built->vm->count_exits(exit_counts);
    const Outcome outcome = run_to_the_end(*built);
    if (self.options.count_exits) exit_counts.print(config.name);
    return outcome;
}

}  // namespace cairn
