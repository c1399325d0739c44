// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Exits of a guest with breakpoints: its ebreaks, and accesses to the pages that have some. The
// guest sees neither (kernel/vm/memory/patched_pages.hpp).
#include <cairn/bits.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

namespace cairn {
namespace {

/// Unprivileged ISA, "Environment Call and Breakpoints", and "C" extension.
constexpr std::uint16_t short_ebreak = 0x9002;
constexpr std::uint16_t ebreak_low = 0x0073;
constexpr std::uint16_t ebreak_high = 0x0010;

/// Where in its RAM the guest executes `address`, on its own hart.
std::optional<GuestPhys> find_code(const GuestMemory& memory, std::uint64_t address) {
    const auto place = translate(memory, csr_read<Csr::vsatp>(), {address});
    return place && memory.holds(place->at, 2) ? std::optional(place->at) : std::nullopt;
}

/// Whether the guest itself has an ebreak there; its upper half is asked for in the same page.
bool has_own_ebreak(const GuestMemory& memory, GuestPhys at) {
    const auto low = memory.load<std::uint16_t>(at);
    if (!low || *low == short_ebreak) return true;
    if (*low != ebreak_low) return false;
    const auto high = memory.load<std::uint16_t>(at + 2);
    return !high || *high == ebreak_high;
}

bool is_in_page_of(const GuestMemory& memory, std::uint64_t code, GuestPhys at) {
    const auto found = find_code(memory, code);
    return found &&
           align_down(found->value, paging::page_size) == align_down(at.value, paging::page_size);
}

}  // namespace

void handle_breakpoint(Vm& vm, Vcpu& vcpu, const TrapState& trap) {
    CodePatches* const patches = vm.memory().patches();
    const auto at = find_code(vm.memory(), vcpu.context.pc);
    if (patches != nullptr && at && patches->has(*at)) {
        vm.debugging().met(static_cast<std::uint32_t>(vcpu.hart_id()));
        return vm.pause();
    }
    // Where it has been removed meanwhile, the guest meets what is there now.
    if (at && !has_own_ebreak(vm.memory(), *at)) return;
    raise_in_guest(vm, vcpu, Exception::breakpoint, trap.stval);
}

std::optional<std::uint32_t> read_patched_code(Vm& vm, const Vcpu& vcpu) {
    CodePatches* const patches = vm.memory().patches();
    const std::uint64_t pc = vcpu.context.pc;
    const auto at = find_code(vm.memory(), pc);
    const auto behind = find_code(vm.memory(), pc + 2);
    if (patches == nullptr || !at) return std::nullopt;
    if (!patches->is_patched_page(*at) && !(behind && patches->is_patched_page(*behind)))
        return std::nullopt;
    const auto low = vm.memory().load<std::uint16_t>(*at);
    if (!low) return std::nullopt;
    if (instruction_length(*low) == 2) return *low;
    const auto high = behind ? vm.memory().load<std::uint16_t>(*behind)
                             : std::unexpected(GuestMemoryError::out_of_range);
    if (!high) return std::nullopt;
    return std::uint32_t{*high} << 16 | *low;
}

/// An instruction may lie in two pages.
Resumption open_patched_page(Vm& vm, GuestPhys at) {
    Vcpu& vcpu = *loaded_vcpu;
    CodePatches& patches = *vm.memory().patches();
    if (exception_of(csr_read<Csr::scause>()) == Exception::instruction_guest_page_fault) {
        (void)patches.open(at, CodePatches::Use::fetch);
        return Resumption::all;
    }
    const std::uint64_t pc = vcpu.context.pc;
    const bool own = is_in_page_of(vm.memory(), pc, at) || is_in_page_of(vm.memory(), pc + 2, at);
    const auto instruction = own ? read_patched_code(vm, vcpu) : std::nullopt;
    (void)patches.open(at, CodePatches::Use::access);
    if (instruction && !carry_out_access(vm, vcpu, *instruction)) {
        println("vm {}: the page at {:#x} can have no breakpoints: pc {:#x}, in it, accesses it",
                vm.name(), align_down(at.value, paging::page_size), pc);
        patches.give_up(at);
    }
    return Resumption::all;
}

}  // namespace cairn
