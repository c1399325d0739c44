// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/managed_vm.hpp"

#include <array>

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/csr_access.hpp"
#include "kernel/manager/guest_loader.hpp"

namespace cairn {
namespace {

constexpr std::size_t rng_seed_size = 32;

}  // namespace

std::string_view to_string(VmState state) {
    switch (state) {
        case VmState::off: return "off";
        case VmState::running: return "running";
        case VmState::paused: return "paused";
    }
    return "";
}

ManagedVm::ManagedVm(const BundleVm& bundle, std::string_view name, HostResources& host,
                     Scheduler& scheduler, VmEnd& end, std::size_t quota)
    : bundle_(bundle),
      host_(host),
      scheduler_(scheduler),
      end_(end),
      memory_(global_heap(), host.frames(), keep_name(name), quota) {}

/// Everything that names it has a view of this.
std::string_view ManagedVm::keep_name(std::string_view name) {
    for (const char letter : name)
        name_.push_back(letter);
    return bundle_.config.name = {name_.data(), name_.size()};
}

bool ManagedVm::start(ExitCounts* counts) {
    auto built = build_vm(host_, bundle_, memory_, channel_);
    if (!built) return false;
    Vm& vm = *built->vm;
    if (counts != nullptr) vm.count_exits(*counts);
    vector<Task, VmAllocator<Task>> tasks{VmAllocator<Task>(memory_.heap())};
    if (!tasks.try_reserve(vm.cpus())) {
        explain_refusal(memory_, "the heap has no room for it");
        return false;
    }
    running_.emplace(std::move(*built), std::move(tasks));
    group_.emplace(vm, Share{.weight = config().weight, .harts = config().affinity}, end_);
    for (std::uint32_t cpu = 0; cpu < vm.cpus(); ++cpu)
        running_->tasks.emplace_back(vm.vcpu(cpu), *group_);
    channel_.attach(&vm);
    return start_again();
}

bool ManagedVm::start_again() {
    if (load()) {
        queue();
        return true;
    }
    destroy();
    return false;
}

/// Loads the guest afresh; each start gets a random seed of its own.
bool ManagedVm::load() {
    BuiltVm& built = running_->built;
    built.vm->reset_devices();
    if (built.ram->present_bytes() != 0) {  // it runs again
        built.ram->forget();
        built.vmid.renew();
        built.use_table();
    }
    std::array<std::byte, rng_seed_size> seed{};
    platform_random(seed);
    GuestFdtConfig tree = built.tree;
    tree.rng_seed = seed;
    const auto entry = load_guest(bundle_, built.plan, built.vm->memory(), tree);
    if (!entry) {
        FixedBuffer<128> reason;
        print(reason, "it cannot be loaded: {}", to_string(entry.error()));
        explain_refusal(memory_, reason.view());
        return false;
    }
    built.vm->harts().power_on({.address = entry->pc.value, .opaque = entry->device_tree.value});
    return true;
}

void ManagedVm::queue() {
    const std::uint64_t now = csr_read<Csr::time>();
    group_->begin(vm().cpus());
    for (Task& task : running_->tasks)
        task.vcpu.forget_requests();
    for (Task& task : running_->tasks)
        scheduler_.wake(task, now);
}

VmState ManagedVm::state() const {
    if (!running_) return VmState::off;
    return running_->built.vm->is_paused() ? VmState::paused : VmState::running;
}

void ManagedVm::destroy() {
    channel_.attach(nullptr);
    running_.reset();
    group_.reset();
}

}  // namespace cairn
