// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/managed_vm.hpp"

#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/unique_ptr.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/disks/host_partition.hpp"

namespace cairn {

std::string_view to_string(VmState state) {
    switch (state) {
        case VmState::off: return "off";
        case VmState::loading: return "loading";
        case VmState::running: return "running";
        case VmState::paused: return "paused";
        case VmState::dumping: return "dumping";
        case VmState::ending: return "ending";
    }
    return "";
}

ManagedVm::ManagedVm(const BundleVm& bundle, std::string_view name, HostResources& host,
                     Scheduler& scheduler, VmEnd& end, std::size_t quota)
    : bundle_(bundle),
      host_(host),
      scheduler_(scheduler),
      end_(end),
      memory_(global_heap(), host.frames(), keep_name(name), quota) {
    for (const std::string_view port : config().ports)
        channel_.add_port(port);
}

/// Everything that names it has a view of this.
std::string_view ManagedVm::keep_name(std::string_view name) {
    for (const char letter : name)
        name_.push_back(letter);
    return bundle_.config.name = {name_.data(), name_.size()};
}

bool ManagedVm::start(bool count_exits) {
    auto built = build_vm(host_, bundle_, memory_, channel_);
    if (!built) return false;
    Vm& vm = *built->vm;
    vector<Task, VmAllocator<Task>> tasks{VmAllocator<Task>(memory_.heap())};
    if (!tasks.try_reserve(vm.cpus())) {
        explain_refusal(memory_, "the heap has no room for it");
        return false;
    }
    running_.emplace(
        Counts(nullptr, Counts::deleter_type(VmAllocator<ExitCounts>(memory_.heap()))),
        WatchPointer(nullptr, WatchPointer::deleter_type(VmAllocator<Watch>(memory_.heap()))),
        std::move(*built), std::move(tasks));
    group_.emplace(vm, Share{.weight = config().weight, .harts = config().affinity}, end_);
    for (std::uint32_t cpu = 0; cpu < vm.cpus(); ++cpu)
        running_->tasks.emplace_back(vm.vcpu(cpu), *group_);
    if (!watch(count_exits)) {
        explain_refusal(memory_, "the heap has no room for what watches it");
        destroy();
        return false;
    }
    channel_.attach(&vm);
    return load_again();
}

/// Before its first run.
bool ManagedVm::watch(bool count_exits) {
    counts_exits_ = count_exits;
    if (config().watchdog != 0) {
        running_->watching = try_allocate_unique<Watch>(VmAllocator<Watch>(memory_.heap()));
        if (!running_->watching) return false;
    }
    if (count_exits) {
        if (!has_counts()) return false;
        visit_vcpus(std::nullopt, [](Vcpu& vcpu) { vcpu.watch_exits(true); });
    }
    return config().trace == 0 || trace(std::nullopt, config().trace);
}

/// Once there, they stay until it ends.
bool ManagedVm::has_counts() {
    if (running_->counts) return true;
    running_->counts = try_allocate_unique<ExitCounts>(VmAllocator<ExitCounts>(memory_.heap()));
    if (!running_->counts) return false;
    vm().count_exits_in(*running_->counts);
    return true;
}

bool ManagedVm::trace(std::optional<std::uint32_t> cpu, std::uint32_t entries) {
    bool has_room = has_counts();
    visit_vcpus(cpu, [&](Vcpu& vcpu) {
        auto room = ExitTrace::take_room(memory_.heap(), entries);
        has_room = has_room && room;
        if (!has_room) return;
        (void)vcpu.exit_trace().turn_on(std::move(*room));
        vcpu.watch_exits(true);
    });
    if (!has_room) end_trace(cpu);
    return has_room;
}

void ManagedVm::end_trace(std::optional<std::uint32_t> cpu) {
    visit_vcpus(cpu, [&](Vcpu& vcpu) {
        (void)vcpu.exit_trace().turn_off();
        vcpu.watch_exits(counts_exits_);
    });
}

namespace {
/// What gdb says that the VM was terminated by: SIGABRT.
constexpr std::uint8_t crash_signal = 6;
}  // namespace

std::expected<void, CoreFault> ManagedVm::begin_dump(HostDiskName disk, bool has_ended,
                                                     std::atomic<bool>& wanted) {
    HostDisk* const to = host_disk(disk.disk);
    if (to == nullptr) return std::unexpected(CoreFault::no_such_disk);
    const auto range = find_host_partition(*to, disk.partition, host_.timebase_hz());
    if (!range) return std::unexpected(CoreFault::no_such_partition);
    const CoreDump::Settings settings{
        .disk = disk,
        .range = *range,
        .signal = has_ended ? crash_signal : std::uint8_t{0},
        .vector_register_bytes = host_.abilities().vector_register_bytes,
        .wanted = &wanted};
    auto dump = try_make_unique<CoreDump>(settings, *to, vm(), *running_->built.ram);
    if (dump == nullptr) return std::unexpected(CoreFault::no_room);
    if (const auto begun = dump->begin(); !begun) return begun;
    running_->dump = std::move(dump);
    return {};
}

void ManagedVm::hold_for_dump() {
    running_->was_paused = vm().is_paused();
    if (running_->was_paused) return;
    vm().pause();
    vm().note_pause(csr_read<Csr::time>());
}

void ManagedVm::let_go_after_dump() {
    if (!running_->was_paused) (void)vm().resume(csr_read<Csr::time>());
}

void ManagedVm::end_dump() {
    last_dump_ = running_->dump->result();
    running_->dump.reset();
}

bool ManagedVm::is_at_rest() const {
    bool rests = true;
    visit_tasks([&](const Task& task) {
        for (std::size_t hart = 0; hart < scheduler_.harts(); ++hart)
            rests = rests && scheduler_.running_on(hart) != &task;
    });
    return rests;
}

/// Each start gets a random seed of its own.
bool ManagedVm::load_again() {
    BuiltVm& built = running_->built;
    running_->end_reason.reset();
    if (running_->watching) *running_->watching = {};
    built.vm->reset_devices();
    if (built.ram->present_bytes() != 0 || built.ram->given_back_bytes() != 0) {  // it ran before
        if (!built.ram->forget()) {
            explain_lack_of_ram(host_, config());
            return false;
        }
        built.vmid.renew();
        built.use_table();
    }
    platform_random(running_->rng_seed);
    GuestFdtConfig tree = built.tree;
    tree.rng_seed = running_->rng_seed;
    running_->loader.emplace(bundle_, built.plan, built.vm->memory(), tree);
    return true;
}

ManagedVm::Loaded ManagedVm::load_some() {
    const auto opened = running_->built.devices.open_some(config());
    if (!opened) return Loaded::failed;
    if (!*opened) return Loaded::in_part;
    const auto loaded = running_->loader->load_some();
    if (!loaded) {
        FixedBuffer<128> reason;
        print(reason, "it cannot be loaded: {}", to_string(loaded.error()));
        explain_refusal(memory_, reason.view());
        return Loaded::failed;
    }
    if (!*loaded) return Loaded::in_part;
    running_->loader.reset();
    vm().harts().power_on({.address = (*loaded)->pc.value, .opaque = (*loaded)->device_tree.value});
    queue();
    return Loaded::all;
}

void ManagedVm::queue() {
    const std::uint64_t now = csr_read<Csr::time>();
    group_->begin(vm().cpus());
    for (Task& task : running_->tasks)
        task.vcpu.forget_requests();
    vm().input_arrived();  // in case that was among them
    for (Task& task : running_->tasks)
        scheduler_.wake(task, now);
}

VmState ManagedVm::state() const {
    if (!running_) return VmState::off;
    if (running_->loader) return VmState::loading;
    if (running_->dump) return VmState::dumping;
    if (running_->end_reason) return VmState::ending;
    return running_->built.vm->is_paused() ? VmState::paused : VmState::running;
}

void ManagedVm::destroy() {
    channel_.attach(nullptr);
    if (counts_exits_ && running_ && running_->counts) running_->counts->print(name());
    if (running_) vm().reset_devices();  // another hart may be at one, and a disk at its RAM
    running_.reset();
    group_.reset();
}

}  // namespace cairn
