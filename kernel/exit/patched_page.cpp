// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Exits of a guest at a page with breakpoints or watchpoints (kernel/vm/memory/patched_pages.hpp).
// An access that meets a watchpoint pauses the VM before it; an SC, behind it: tried again by the
// hart alone, it would fail. What meets none is carried out, and the guest sees nothing. What
// cannot be carried out pauses the VM, too, for gdb looks at what is watched, and goes on: that are
// accesses not decoded here, and LRs where reads are watched.
#include <cairn/bits.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/exit/guest_code.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "kernel/exit/whole_access.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

namespace cairn {
namespace {

GuestPhys page_of(GuestPhys at) {
    return {align_down(at.value, paging::page_size)};
}

/// Whether `address` lies in the page of `at` for the guest: else the fault at `at` is of a walk of
/// its page table.
bool leads_to(Vm& vm, std::uint64_t address, GuestPhys at) {
    const auto place = translate(vm.memory(), csr_read<Csr::vsatp>(), {address});
    return place && page_of(place->at) == page_of(at);
}

AccessEffect effect_of(AccessKind kind) {
    switch (kind) {
        case AccessKind::load:
        case AccessKind::fp_load:
        case AccessKind::load_reserved: return {.reads = true, .writes = false};
        case AccessKind::store:
        case AccessKind::fp_store:
        case AccessKind::store_conditional: return {.reads = false, .writes = true};
        case AccessKind::amo: break;
    }
    return {.reads = true, .writes = true};
}

/// Where it is open already, the hart may keep what it once found invalid.
void open(DebugPoints& points, GuestPhys at, DebugPoints::Use use) {
    if (!points.open(at, use)) hfence_gvma_all();
}

/// Whether the access may be what trapped: the instruction may be another by now. Of an atomic that
/// may not read, QEMU with one hart says that a load was refused.
bool is_what_trapped(const MemoryAccess& access) {
    const bool stored = exception_of(csr_read<Csr::scause>()) == Exception::store_guest_page_fault;
    const bool is_atomic =
        access.kind == AccessKind::amo || access.kind == AccessKind::store_conditional;
    return is_atomic || access.is_store() == stored;
}

void stop(Vm& vm, const Vcpu& vcpu, const Watchpoint& met) {
    vm.debugging().met(static_cast<std::uint32_t>(vcpu.hart_id()), met, [&vm] { vm.pause(); });
}

/// Of an access that may lie in two pages, each of them anywhere.
std::optional<Watchpoint> find_met(Vm& vm, std::uint64_t first, const MemoryAccess& access) {
    DebugPoints& points = *vm.memory().debug_points();
    for (std::uint64_t done = 0; done < access.width;) {
        const std::uint64_t in_page = paging::page_size - (first + done) % paging::page_size;
        const std::uint64_t size = std::min(access.width - done, in_page);
        const auto place = translate(vm.memory(), csr_read<Csr::vsatp>(), {first + done});
        const auto met =
            place ? points.met_by({place->at, size}, effect_of(access.kind)) : std::nullopt;
        if (met) return met;
        done += size;
    }
    return std::nullopt;
}

/// An SC meets a watchpoint where it writes.
bool carry_out_conditional(Vm& vm, Vcpu& vcpu, std::uint32_t instruction,
                           const MemoryAccess& access, GuestPhys at) {
    const WholeAccess done = carry_out_whole(vm, vcpu, instruction, access, at);
    if (done != WholeAccess::done) return done != WholeAccess::impossible;
    if (const auto met =
            vm.memory().debug_points()->met_by({at, access.width}, effect_of(access.kind)))
        stop(vm, vcpu, *met);
    return true;
}

/// Whether it stops at whatever is watched in the page of `at`.
bool stop_at_any(Vm& vm, const Vcpu& vcpu, GuestPhys at) {
    const auto met = vm.memory().debug_points()->met_by({page_of(at), paging::page_size},
                                                        {.reads = true, .writes = true});
    if (met) stop(vm, vcpu, *met);
    return met.has_value();
}

/// What the instruction at pc wants of the page of `at`. False where nothing can be done about it.
bool carry_out(Vm& vm, Vcpu& vcpu, std::uint32_t instruction, GuestPhys at) {
    const auto access = decode_memory_access(instruction);
    if (!access) {  // a vector's, or of a cache block: it may be any place of the page
        return leads_to(vm, csr_read<Csr::stval>(), at) && stop_at_any(vm, vcpu, at);
    }
    if (!is_what_trapped(*access)) return true;  // the guest tries again
    const std::uint64_t first = decode_access_address(instruction).in(vcpu.context.x);
    const bool is_whole = first % access->width == 0;
    if (!leads_to(vm, is_whole ? first : csr_read<Csr::stval>(), at)) return false;
    const GuestPhys place = page_of(at) + first % paging::page_size;
    if (access->kind == AccessKind::load_reserved) return stop_at_any(vm, vcpu, at);
    if (is_whole && access->kind == AccessKind::store_conditional)
        return carry_out_conditional(vm, vcpu, instruction, *access, place);
    if (const auto met = find_met(vm, first, *access)) return stop(vm, vcpu, *met), true;
    if (!is_whole) return carry_out_access(vm, vcpu, instruction);
    return carry_out_whole(vm, vcpu, instruction, *access, place) != WholeAccess::impossible;
}

}  // namespace

Resumption handle_patched_page(Vm& vm, GuestPhys at) {
    Vcpu& vcpu = *loaded_vcpu;
    DebugPoints& points = *vm.memory().debug_points();
    if (exception_of(csr_read<Csr::scause>()) == Exception::instruction_guest_page_fault) {
        open(points, at, DebugPoints::Use::fetch);
        return Resumption::all;
    }
    const std::uint64_t pc = vcpu.context.pc;
    const DebugPoints::Page page = points.page(at);
    const bool own = page.breakpoints &&
                     (is_in_page_of(vm.memory(), pc, at) || is_in_page_of(vm.memory(), pc + 2, at));
    if (!own && !page.watchpoints) {
        open(points, at, DebugPoints::Use::access);
        return Resumption::all;
    }
    const auto instruction = read_code(vm, vcpu);
    if (!instruction || !carry_out(vm, vcpu, *instruction, at)) {
        println(
            "vm {}: the page at {:#x} can have no breakpoints or watchpoints: pc {:#x} accesses "
            "it as Cairn cannot",
            vm.name(), page_of(at).value, pc);
        points.give_up(at);
    }
    return Resumption::all;
}

}  // namespace cairn
