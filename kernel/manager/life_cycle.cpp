// SPDX-License-Identifier: MIT
#include "kernel/manager/life_cycle.hpp"

#include <array>
#include <optional>

#include "kernel/manager/guest_loader.hpp"
#include "kernel/manager/vm_builder.hpp"
#include "kernel/vm/bundle.hpp"
#include "kernel/vm/vm_memory.hpp"
#include "lib/platform.hpp"
#include "lib/print.hpp"

namespace cairn {
namespace {

constexpr std::size_t rng_seed_size = 32;

constinit HostResources host;

/// Loads the guest afresh; each start gets a random seed of its own.
std::expected<GuestEntry, GuestFdtError> load(BuiltVm& built) {
    std::array<std::byte, rng_seed_size> seed{};
    platform_random(seed);
    GuestFdtConfig tree = built.tree;
    tree.rng_seed = seed;
    return load_guest(*built.bundle, built.plan, built.vm->memory(), tree);
}

/// One run, from power-on to whatever ends it.
StopReason run_once(BuiltVm& built) {
    Vm& vm = *built.vm;
    vm.reset_devices();
    const auto entry = load(built);
    if (!entry) {
        println("vm {}: its device tree: {}", vm.name(), to_string(entry.error()));
        return StopReason::killed;
    }
    vm.vcpu().reset(entry->pc.value, entry->device_tree.value, vm.features());
    enter_guest(&vm.vcpu().context);
    vm.vcpu().quiesce(vm.features());
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
    auto bundle = read_bundle({reinterpret_cast<const std::byte*>(where.base.value), where.size});
    if (!bundle) {
        println("cairn: {}", bundle.error());
        return std::nullopt;
    }
    return *bundle;
}

}  // namespace

Outcome run_guests(const ThisMachine& self) {
    const auto bundle = read_archive(self.machine);
    if (!bundle) return Outcome::failure;
    if (bundle->vms().size() > 1) {
        println("cairn: the archive holds {} VMs, and this version runs one: '{}' alone is started",
                bundle->vms().size(), bundle->vms().front().config.name);
    }
    if (!host.take(self)) return Outcome::failure;
    const VmConfig& config = bundle->vms().front().config;
    const auto limit = self.options.vm_quota.value_or(VmMemory::default_limit(config));
    VmMemory memory(global_heap(), host.frames(), config.name, limit);
    auto built = build_vm(host, bundle->vms().front(), memory);
    if (!built) return Outcome::failure;
    return run_to_the_end(*built);
}

}  // namespace cairn
