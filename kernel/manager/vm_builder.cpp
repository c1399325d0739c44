// SPDX-License-Identifier: MIT
#include "kernel/manager/vm_builder.hpp"

#include "kernel/host/harts.hpp"
#include "kernel/manager/console_sink.hpp"
#include "kernel/vm/guest_map.hpp"
#include "lib/byte_size.hpp"
#include "lib/print.hpp"

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

std::optional<HostRange> take_ram(HostResources& host, const VmConfig& config) {
    const auto ram = host.frames().take_guest_ram(config.memory, guest_map::ram_base);
    if (!ram) {
        print("cairn: {}", config.file);
        if (config.memory_line != 0) print(":{}", config.memory_line);
        println(
            ": memory: {} MiB are more than the machine can give: {} MiB are free, {} MiB in one "
            "piece",
            mib(config.memory), mib(host.frames().free_bytes()), mib(host.frames().largest_free()));
    }
    return ram;
}

/// Why `memory` gave nothing: the VM has had its share, or there is none for anybody, which
/// `otherwise` says.
void explain_refusal(const VmMemory& memory, std::string_view otherwise) {
    const QuotaAccount& account = memory.account();
    if (account.refusals() == 0) {
        println("cairn: vm {}: {}", account.owner(), otherwise);
    } else {
        println(
            "cairn: vm {}: {} bytes of the hypervisor's own memory are too few for it: the boot "
            "option quota=SIZE gives it more",
            account.owner(), account.limit());
    }
}

std::optional<Stage2Table> map_ram(const HostResources& host, VmMemory& memory, HostRange ram) {
    auto table = Stage2Table::create(host.abilities().stage2_mode, memory.frames());
    if (table) {
        const auto mapped = table->map(guest_map::ram_base, ram.base, ram.size, pages_rwx);
        if (mapped) return std::move(*table);
        table = std::unexpected(mapped.error());
    }
    FixedBuffer<128> reason;
    print(reason, "its memory cannot be mapped: {}", table.error());
    explain_refusal(memory, reason.view());
    return std::nullopt;
}

GuestFdtConfig describe_guest(const HostResources& host, const VmConfig& config) {
    return {.memory = {guest_map::ram_base, config.memory},
            .cpus = config.cpus,
            .isa = host.guest_isa_text(),
            .mmu_type = host.mmu_type(),
            .timebase_frequency = host.timebase_hz(),
            .cbom_block_size = host.abilities().cbom_block_size,
            .cboz_block_size = host.abilities().cboz_block_size,
            .bootargs = config.append,
            .initrd = std::nullopt,
            .rng_seed = {}};
}

void announce(const VmConfig& config, const LoadPlan& plan, HostRange ram,
              const Stage2Table& table) {
    const auto& leaves = table.statistics().leaves;
    println("vm {}: {} MiB at {:#x}, {}: {} leaves of 1 GiB, {} of 2 MiB, {} of 4 KiB", config.name,
            mib(ram.size), ram.base.value, table.mode(), leaves[2], leaves[1], leaves[0]);
    if (plan.format == KernelFormat::raw) {  // told by what the file is not: show it
        println("vm {}: its kernel '{}' has no header: a raw binary of {}, started at {:#x}",
                config.name, config.kernel.path, ByteSize{plan.kernel.size},
                plan.kernel.base.value);
    }
}

}  // namespace

std::optional<BuiltVm> build_vm(HostResources& host, const BundleVm& bundle, VmMemory& memory) {
    const VmConfig& config = bundle.config;
    const GuestRange guest_ram{guest_map::ram_base, config.memory};
    const auto plan = plan_load(bundle, guest_ram, guest_tree_room(config.cpus));
    if (!plan) {
        println("cairn: {}", plan.error());
        return std::nullopt;
    }
    const auto ram = take_ram(host, config);
    if (!ram) return std::nullopt;
    auto table = map_ram(host, memory, *ram);
    if (!table) return std::nullopt;
    auto* const bytes = reinterpret_cast<std::byte*>(ram->base.value);
    auto vm = try_allocate_unique<Vm>(VmAllocator<Vm>(memory.heap()), config.name,
                                      GuestMemory(guest_map::ram_base, {bytes, ram->size}),
                                      guest_console(), host.abilities().features, host.ids(),
                                      config.cpus);
    if (!vm) {
        explain_refusal(memory, "the heap has no room for it");
        return std::nullopt;
    }
    const auto vmid = host.vmids().take();
    if (!vmid) {
        println("cairn: vm {}: the harts have no VMID left for it", config.name);
        return std::nullopt;
    }
    vm->use_translation(table->hgatp(vmid->number), *vmid);
    static_vector<IpiTarget, Vm::max_cpus> harts;
    for (std::uint32_t cpu = 0; cpu < config.cpus; ++cpu)
        harts.push_back(ipi_target(host.guest_hart(cpu)));
    vm->run_on(harts);
    announce(config, *plan, *ram, *table);
    return BuiltVm{.bundle = &bundle,
                   .plan = *plan,
                   .tree = describe_guest(host, config),
                   .table = std::move(*table),
                   .vmid = VmidLease(host.vmids(), *vmid),
                   .vm = std::move(vm)};
}

}  // namespace cairn
