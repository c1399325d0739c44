// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/exit/guest_code.hpp"

#include <cairn/bits.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

namespace cairn {

std::optional<GuestPhys> find_code(const GuestMemory& memory, std::uint64_t address) {
    const auto place = translate(memory, csr_read<Csr::vsatp>(), {address});
    return place && memory.holds(place->at, 2) ? std::optional(place->at) : std::nullopt;
}

bool is_in_page_of(const GuestMemory& memory, std::uint64_t code, GuestPhys at) {
    const auto found = find_code(memory, code);
    return found &&
           align_down(found->value, paging::page_size) == align_down(at.value, paging::page_size);
}

/// An instruction may lie in two pages.
std::optional<std::uint32_t> read_code(Vm& vm, const Vcpu& vcpu) {
    const std::uint64_t pc = vcpu.context.pc;
    const auto at = find_code(vm.memory(), pc);
    const auto low =
        at ? vm.memory().load<std::uint16_t>(*at) : std::unexpected(GuestMemoryError::out_of_range);
    if (!low) return std::nullopt;
    if (instruction_length(*low) == 2) return *low;
    const auto behind = find_code(vm.memory(), pc + 2);
    const auto high = behind ? vm.memory().load<std::uint16_t>(*behind)
                             : std::unexpected(GuestMemoryError::out_of_range);
    if (!high) return std::nullopt;
    return std::uint32_t{*high} << 16 | *low;
}

std::optional<std::uint32_t> read_patched_code(Vm& vm, const Vcpu& vcpu) {
    DebugPoints* const points = vm.memory().debug_points();
    if (points == nullptr) return std::nullopt;
    for (const std::uint64_t part : {vcpu.context.pc, vcpu.context.pc + 2}) {
        const auto at = find_code(vm.memory(), part);
        if (at && points->page(*at).any()) return read_code(vm, vcpu);
    }
    return std::nullopt;
}

}  // namespace cairn
