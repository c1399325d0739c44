// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/memory/protection.hpp"

#include <array>
#include <optional>
#include <utility>

#include <cairn/global_heap.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/stage1_mode.hpp"
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/memory/address_space.hpp"
#include "kernel/host/reports/fatal.hpp"

namespace cairn {
namespace {

class BreakFrames final : public FrameSource {
  public:
    std::optional<HostPhys> allocate_frames(std::size_t count, std::uint64_t alignment) override {
        const auto block = global_break().allocate(count * frame_size, alignment);
        if (!block) return std::nullopt;
        return HostPhys{reinterpret_cast<std::uintptr_t>(*block)};
    }
    void free_frames(HostPhys base, std::size_t count) override {
        global_break().deallocate(at(base), {.size = count * frame_size, .alignment = frame_size});
    }
    std::byte* at(HostPhys address) override { return reinterpret_cast<std::byte*>(address.value); }
};

constinit BreakFrames frames;
[[clang::no_destroy]] constinit std::optional<PageTable> own_table;
constinit std::uint64_t satp_of_all = 0;

std::expected<AddressSpace, MemoryMapError> plan_own_space(const ThisMachine& self) {
    const Machine& machine = self.machine;
    static_vector<HostRange, 4 + max_virtio_slots + max_sswis> devices;
    if (machine.uart) devices.push_back(machine.uart->registers);
    if (machine.plic) devices.push_back(machine.plic->registers);
    if (machine.test_device) devices.push_back(machine.test_device->registers);
    if (machine.rtc) devices.push_back(machine.rtc->registers);
    for (const MachineWiredDevice& slot : machine.virtio)
        devices.push_back(slot.registers);
    for (const MachineDevice& sswi : machine.sswis)
        devices.push_back(sswi.registers);
    static_vector<HostRange, 2> read_only{self.device_tree};
    if (machine.initrd) read_only.push_back(*machine.initrd);
    return plan_address_space({.memory = machine.memory,
                               .reserved = machine.reserved,
                               .own = self.own,
                               .devices = devices,
                               .read_only = read_only,
                               .constants = constant_range(),
                               .code = code_range()});
}

/// The narrowest mode that covers `space`, where the hart has it.
std::optional<SatpMode> choose_mode(const ThisMachine& self, const AddressSpace& space) {
    const MachineHart* const hart = self.machine.hart(self.boot_hart);
    const auto mode = stage1::narrowest_mode(space.end());
    if (!mode || (hart != nullptr && !stage1::has_mode(hart->mmu_type, *mode))) return std::nullopt;
    return mode;
}

/// The finished table; no_frames is the only error that there can be.
std::expected<PageTable, PageTableError> make_table(SatpMode mode, const AddressSpace& space) {
    auto table = PageTable::create(stage1::format(mode), frames);
    if (!table) return table;
    if (const auto mapped = map_address_space(*table, space); !mapped) {
        return std::unexpected(mapped.error());
    }
    for (const HostRange& stack : {boot_trap_stack(), boot_stack()}) {
        const HostPhys guard = stack.base - frame_size;
        if (const auto unmapped = table->unmap(guard.value, frame_size); !unmapped) {
            return std::unexpected(unmapped.error());
        }
    }
    return table;
}

/// Whether the hart has taken it: a mode that it has not got leaves satp as it was.
bool turn_on(std::uint64_t satp) {
    sfence_vma_all();
    csr_write<Csr::satp>(satp);
    sfence_vma_all();
    return csr_read<Csr::satp>() == satp;
}

}  // namespace

void protect_memory(const ThisMachine& self) {
    const auto space = plan_own_space(self);
    if (!space) {
        println("cairn: the hypervisor has no page table of its own: the machine's memory: {}",
                to_string(space.error()));
        return;
    }
    const auto mode = choose_mode(self, *space);
    if (!mode) {
        println(
            "cairn: the hypervisor has no page table of its own: hart {} has no mode that reaches "
            "up to {:#x}",
            self.boot_hart, space->end().value);
        return;
    }
    auto table = make_table(*mode, *space);
    if (!table) stop_machine("the heap is too small for the hypervisor's page table");
    const std::uint64_t satp = stage1::satp(*mode, table->root());
    if (!turn_on(satp)) {
        println(
            "cairn: the hypervisor has no page table of its own: hart {} says that it has {}, and "
            "does not",
            self.boot_hart, *mode);
        return;
    }
    own_table = std::move(*table);
    satp_of_all = satp;
}

std::uint64_t own_satp() {
    return satp_of_all;
}

bool make_guard_page(HostPhys page) {
    if (!own_table) return true;
    const bool done = own_table->unmap(page.value, frame_size).has_value();
    sfence_vma_all();
    return done;
}

}  // namespace cairn
