// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_builder.hpp"

#include <bit>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include "kernel/vm/guest_map.hpp"

namespace cairn {
namespace {

/// Room for any device tree of `cpus` harts: the longest command line and ISA string are far below
/// what one is given, and each hart has an ISA string.
constexpr std::uint64_t guest_tree_room(std::uint32_t cpus) {
    return 16384 + (cpus - 1) * std::uint64_t{4096};
}

constexpr std::uint64_t mib(std::uint64_t bytes) {
    return bytes >> 20;
}

/// Whether a hart runs guests that the VM may use; else there is a sentence in the log.
bool has_a_hart(const HostResources& host, const VmConfig& config) {
    const std::size_t harts = host.guest_hart_count();
    static_assert(HostResources::max_guest_harts <= most_listed_harts);
    if (std::countr_zero(config.affinity) < static_cast<int>(harts)) return true;
    print("cairn: {}:{}: affinity: no hart of this list runs guests; this machine has ",
          config.file, config.affinity_line);
    if (harts == 1) {
        println("one, number 0");
    } else {
        println("{}, numbers 0 to {}", harts, harts - 1);
    }
    return false;
}

using RamPointer = allocated_ptr<GuestRam, VmAllocator<GuestRam>>;

/// The VM's RAM, none of it present; nothing, with a sentence in the log, where there is not
/// enough.
std::optional<RamPointer> take_ram(HostResources& host, const VmConfig& config, VmMemory& memory) {
    auto table = Stage2Table::create(host.abilities().stage2_mode, memory.frames());
    if (!table) {
        FixedBuffer<128> reason;
        print(reason, "its memory cannot be mapped: {}", table.error());
        explain_refusal(memory, reason.view());
        return std::nullopt;
    }
    const GuestRam::Settings settings{.base = guest_map::ram_base,
                                      .size = config.memory,
                                      .trust_unused = host.trusts_unused_ram(),
                                      .harts = host.guest_translations()};
    auto ram = try_allocate_unique<GuestRam>(VmAllocator<GuestRam>(memory.heap()), host.frames(),
                                             memory, std::move(*table), settings);
    if (!ram) {
        explain_refusal(memory, "the heap has no room for it");
        return std::nullopt;
    }
    switch (ram->take_frames()) {
        case GuestRam::Taken::all: return ram;
        case GuestRam::Taken::no_frames: explain_lack_of_ram(host, config); break;
        case GuestRam::Taken::no_memory:
            explain_refusal(memory, "the heap has no room for it");
            break;
    }
    return std::nullopt;
}

using VmPointer = allocated_ptr<Vm, VmAllocator<Vm>>;

/// Nothing where there is not enough memory.
VmPointer make_vm(const HostResources& host, const VmConfig& config, const GuestMemory& ram,
                  VmMemory& memory, GuestChannel& channel, VmDevices& devices) {
    const VmAllocator<Vm> allocator(memory.heap());
    auto room = VcpuRoom::take(memory.heap(), config.cpus);
    if (!room) return VmPointer(nullptr, VmPointer::deleter_type(allocator));
    const auto plugged = devices.virtio();
    auto vm = try_allocate_unique<Vm>(
        allocator, config.name, ram, GuestConsole{channel, channel}, host.abilities().features,
        host.ids(), std::move(*room),
        GuestOptions{
            .virtio = plugged, .clock = devices.clock.get(), .console = devices.console.get()});
    if (!vm) return vm;
    devices.clock->serve(*vm);
    if (devices.console) devices.console->serve(*vm);
    for (GuestVirtio* const device : plugged)
        device->serve(*vm);
    return vm;
}

using VectorRoom = vector<std::byte, VmAllocator<std::byte>>;

/// Where the vCPUs' vector registers are put away: `each` bytes for one. Nothing, with a sentence
/// in the log, where there is not enough.
std::optional<VectorRoom> take_vector_room(VmMemory& memory, std::uint32_t cpus,
                                           std::uint64_t each) {
    VectorRoom room{VmAllocator<std::byte>(memory.heap())};
    if (room.try_resize(cpus * each)) return room;
    explain_refusal(memory, "the heap has no room for its vector registers");
    return std::nullopt;
}

GuestFdtConfig describe_guest(const HostResources& host, const VmConfig& config, Vm& vm) {
    return {.memory = {guest_map::ram_base, config.memory},
            .cpus = config.cpus,
            .isa = host.guest_isa_text(),
            .mmu_type = host.mmu_type(),
            .timebase_frequency = host.timebase_hz(),
            .cbom_block_size = host.abilities().cbom_block_size,
            .cboz_block_size = host.abilities().cboz_block_size,
            .bootargs = config.append,
            .initrd = std::nullopt,
            .rng_seed = {},
            .devices = vm.devices().list()};
}

void announce(const VmConfig& config, const LoadPlan& plan, const GuestRam& ram) {
    std::size_t pieces = 0;
    HostPhys first{0};
    ram.visit_pieces([&](GuestPhys, const HostRange& piece) {
        if (pieces++ == 0) first = piece.base;
    });
    print("vm {}: {} MiB at {:#x}, {}", config.name, mib(config.memory), first.value,
          ram.table().mode());
    if (pieces > 1) print(", in {} pieces", pieces);
    println("");
    if (config.rng) {
        println("vm {}: its random bytes come from {}", config.name,
                host_rng().works() ? "the machine's virtio-rng, by a generator"
                                   : "a generator with the rng-seed of the machine's device tree");
    }
    if (plan.format == KernelFormat::raw) {  // told by what the file is not: show it
        println("vm {}: its kernel '{}' has no header: a raw binary of {}, started at {:#x}",
                config.name, config.kernel.path, ByteSize{plan.kernel.size},
                plan.kernel.base.value);
    }
}

}  // namespace

void explain_lack_of_ram(HostResources& host, const VmConfig& config) {
    print("cairn: {}", config.file);
    if (config.memory_line != 0) print(":{}", config.memory_line);
    println(
        ": memory: {} MiB are more than the machine can give: {} MiB are free, {} MiB in one "
        "piece",
        mib(config.memory), mib(host.frames().free_bytes()), mib(host.frames().largest_free()));
}

std::optional<BuiltVm> build_vm(HostResources& host, const BundleVm& bundle, VmMemory& memory,
                                GuestChannel& channel) {
    const VmConfig& config = bundle.config;
    const GuestRange guest_ram{guest_map::ram_base, config.memory};
    const auto plan = plan_load(bundle, guest_ram, guest_tree_room(config.cpus));
    if (!plan) {
        println("cairn: {}", plan.error());
        return std::nullopt;
    }
    if (!has_a_hart(host, config)) return std::nullopt;
    auto ram = take_ram(host, config, memory);
    if (!ram) return std::nullopt;
    auto devices = take_devices(host, bundle, **ram, memory, channel);
    if (!devices) return std::nullopt;
    auto vm = make_vm(host, config, (*ram)->memory(), memory, channel, *devices);
    if (!vm) {
        explain_refusal(memory, "the heap has no room for it");
        return std::nullopt;
    }
    const std::uint64_t each = GuestVector::count * host.abilities().vector_register_bytes;
    auto vector_room = take_vector_room(memory, config.cpus, each);
    if (!vector_room) return std::nullopt;
    for (std::uint32_t cpu = 0; each != 0 && cpu < config.cpus; ++cpu)
        vm->vcpu(cpu).keep_vector_in(vector_room->data() + cpu * each);
    const auto vmid = host.vmids().take();
    if (!vmid) {
        println("cairn: vm {}: the harts have no VMID left for it", config.name);
        return std::nullopt;
    }
    announce(config, *plan, **ram);
    BuiltVm built{.bundle = &bundle,
                  .plan = *plan,
                  .tree = describe_guest(host, config, *vm),
                  .ram = std::move(*ram),
                  .vmid = VmidLease(host.vmids(), *vmid),
                  .vector_room = std::move(*vector_room),
                  .vm = std::move(vm),
                  .devices = std::move(*devices)};
    built.use_table();
    return built;
}

}  // namespace cairn
