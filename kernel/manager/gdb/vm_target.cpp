// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/vm_target.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include <cairn/print.hpp>
#include "kernel/arch/isa/next_instruction.hpp"
#include "kernel/manager/gdb/register_file.hpp"
#include "kernel/vm/memory/guest_translation.hpp"
#include "kernel/vm/memory/patched_pages.hpp"

namespace cairn {
namespace {

using namespace gdb_register;

/// Unprivileged ISA, "Floating-Point Control and Status Register": frm lies above fflags.
using Fflags = Field<4, 0>;
using Frm = Field<7, 5>;

/// Privileged Architecture, "Privilege Levels".
constexpr std::uint64_t user = 0;
constexpr std::uint64_t supervisor = 1;

const GdbCsr* find_csr(std::uint32_t number) {
    const auto rows = gdb_csrs();
    const auto row = std::ranges::find(rows, number, &GdbCsr::number);
    return row == rows.end() ? nullptr : &*row;
}

bool is_fp(std::uint32_t number) {
    return (number >= first_fp && number < first_fp + 32) || (number >= fflags && number <= fcsr);
}

/// Where nothing has changed the FP registers since a reset, they are zero and were never saved.
std::uint64_t read_fp(const GuestState& state, std::uint32_t number) {
    if (Sstatus::FS::get(state.csrs.sstatus) == ExtensionState::initial) return 0;
    switch (number) {
        case fflags: return Fflags::get(state.fp.fcsr);
        case frm: return Frm::get(state.fp.fcsr);
        case fcsr: return state.fp.fcsr;
        default: return state.fp.f[number - first_fp];
    }
}

/// A watchpoint lies in one page.
constexpr std::uint64_t most_watched = PatchedPages::most_watchpoints * paging::page_size;

/// Calls `visit` for what of `range` lies in each page, until it says false.
template <class Visitor>
bool for_each_page(GuestRange range, Visitor visit) {
    for (GuestPhys at = range.base; at < range.end();) {
        const std::uint64_t left = range.end() - at;
        const GuestRange part{at, std::min(left, paging::page_size - at.value % paging::page_size)};
        if (!visit(part)) return false;
        at = part.end();
    }
    return true;
}

}  // namespace

void VmTarget::describe(std::uint32_t cpu, Writer& out) const {
    const Vcpu& vcpu = vm_.vcpu(cpu);
    const bool is_supervisor = Sstatus::SPP::get(vcpu.state().csrs.sstatus);
    print(out, "vCPU {}: {}, {}{}", cpu, to_string(vm_.harts().state(cpu)),
          is_supervisor ? "VS" : "VU", vcpu.waits_for_interrupt() ? ", in wfi" : "");
}

std::optional<std::uint64_t> VmTarget::read_register(std::uint32_t cpu, std::uint32_t number) {
    const Vcpu& vcpu = vm_.vcpu(cpu);
    const GuestState& state = vcpu.state();
    if (number < pc) return vcpu.context.x[number];
    if (number == pc) return vcpu.context.pc;
    if (is_fp(number)) return state.parts.fp ? std::optional(read_fp(state, number)) : std::nullopt;
    if (vector_register_bytes() != 0) {
        switch (number) {
            case vstart: return state.vector.vstart;
            case vcsr: return state.vector.vcsr;
            case vl: return state.vector.vl;
            case vtype: return state.vector.vtype;
            case vlenb: return vector_register_bytes();
            default: break;
        }
    }
    if (number == sip) return state.csrs.hvip >> 1;  // the lines of V=1 lie one bit higher
    if (number == privilege) return Sstatus::SPP::get(state.csrs.sstatus) ? supervisor : user;
    const GdbCsr* const row = find_csr(number);
    return row == nullptr ? std::nullopt : std::optional(state.csrs.*row->value);
}

bool VmTarget::write_fp(std::uint32_t cpu, std::uint32_t number, std::uint64_t value) {
    GuestState& state = vm_.vcpu(cpu).state_at_rest();
    if (!state.parts.fp) return false;
    if (Sstatus::FS::get(state.csrs.sstatus) == ExtensionState::initial) state.fp = {};
    switch (number) {
        case fflags: Fflags::set(state.fp.fcsr, value); break;
        case frm: Frm::set(state.fp.fcsr, value); break;
        case fcsr: state.fp.fcsr = value & (Fflags::mask | Frm::mask); break;
        default: state.fp.f[number - first_fp] = value;
    }
    Sstatus::FS::set(state.csrs.sstatus, ExtensionState::clean);
    Sstatus::FS::set(state.csrs.vsstatus, ExtensionState::dirty);
    return true;
}

bool VmTarget::write_register(std::uint32_t cpu, std::uint32_t number, std::uint64_t value) {
    Vcpu& vcpu = vm_.vcpu(cpu);
    if (number == 0) return true;
    if (number < pc) return vcpu.context.x[number] = value, true;
    if (number == pc) return vcpu.context.pc = value & ~std::uint64_t{1}, true;
    if (is_fp(number)) return write_fp(cpu, number, value);
    const GdbCsr* const row = find_csr(number);
    if (row == nullptr) return false;
    vcpu.state_at_rest().csrs.*row->value = value;
    return true;
}

std::uint32_t VmTarget::vector_register_bytes() const {
    return vm_.features().vector ? state_.vector_register_bytes : 0;
}

void VmTarget::read_vector(std::uint32_t cpu, std::uint32_t number, std::span<std::byte> to) {
    const GuestState& state = vm_.vcpu(cpu).state();
    std::ranges::fill(to, std::byte{0});
    if (Sstatus::VS::get(state.csrs.sstatus) == ExtensionState::initial) return;
    std::memcpy(to.data(), state.vector.registers + number * to.size(), to.size());
}

void VmTarget::write_vector(std::uint32_t cpu, std::uint32_t number,
                            std::span<const std::byte> from) {
    GuestState& state = vm_.vcpu(cpu).state_at_rest();
    std::byte* const registers = state.vector.registers;
    if (Sstatus::VS::get(state.csrs.sstatus) == ExtensionState::initial)
        std::memset(registers, 0, GuestVector::count * from.size());
    std::memcpy(registers + number * from.size(), from.data(), from.size());
    Sstatus::VS::set(state.csrs.sstatus, ExtensionState::clean);
    Sstatus::VS::set(state.csrs.vsstatus, ExtensionState::dirty);
}

/// Calls `visit(at, offset, size)` for each piece that lies together in RAM, until it says false or
/// there is none. The bytes that were visited.
template <class Visitor>
std::uint64_t VmTarget::for_each_piece(std::uint32_t cpu, std::uint64_t address, std::uint64_t size,
                                       Visitor visit) const {
    const std::uint64_t vsatp = state_.physical ? 0 : vm_.vcpu(cpu).state().csrs.vsatp;
    std::uint64_t done = 0;
    while (done < size) {
        const auto place = translate(vm_.memory(), vsatp, {address + done});
        if (!place || place->left == 0) break;
        const GuestRange ram = vm_.memory().range();
        if (!ram.contains(place->at)) break;
        const std::uint64_t piece = std::min({size - done, place->left, ram.end() - place->at});
        if (!visit(place->at, done, piece)) break;
        done += piece;
    }
    return done;
}

std::size_t VmTarget::read_memory(std::uint32_t cpu, std::uint64_t address,
                                  std::span<std::byte> to) {
    return for_each_piece(
        cpu, address, to.size(), [&](GuestPhys at, std::uint64_t offset, std::uint64_t size) {
            return vm_.memory().copy_out(at, to.subspan(offset, size)).has_value();
        });
}

bool VmTarget::write_memory(std::uint32_t cpu, std::uint64_t address,
                            std::span<const std::byte> from) {
    const std::uint64_t done = for_each_piece(
        cpu, address, from.size(), [&](GuestPhys at, std::uint64_t offset, std::uint64_t size) {
            return vm_.memory().copy_in(at, from.subspan(offset, size)).has_value();
        });
    return done == from.size();
}

// Breakpoints.

std::optional<GuestPhys> VmTarget::find_code(std::uint32_t cpu, std::uint64_t address) const {
    const std::uint64_t vsatp = state_.physical ? 0 : vm_.vcpu(cpu).state().csrs.vsatp;
    const auto place = translate(vm_.memory(), vsatp, {address});
    const bool is_code = vm_.memory().debug_points() != nullptr && place && address % 2 == 0 &&
                         vm_.memory().holds(place->at, 2);
    return is_code ? std::optional(place->at) : std::nullopt;
}

/// Of all vCPUs: each may come by.
void VmTarget::take_ebreaks(bool wanted) {
    vm_.debugging().take_ebreaks(wanted);
    for (std::uint32_t cpu = 0; cpu < vm_.cpus(); ++cpu)
        vm_.vcpu(cpu).take_ebreaks(wanted);
}

bool VmTarget::insert_breakpoint(std::uint32_t cpu, std::uint64_t address) {
    const auto at = find_code(cpu, address);
    if (!at || state_.breakpoints.size() == state_.breakpoints.capacity()) return false;
    take_ebreaks(true);  // whatever comes of it: it is undone when gdb goes
    if (!vm_.memory().debug_points()->insert(*at)) return false;
    state_.breakpoints.push_back({.address = address, .at = *at});
    return true;
}

/// Two addresses may lead to one place.
bool VmTarget::remove_breakpoint(std::uint64_t address) {
    const auto found =
        std::ranges::find(state_.breakpoints, address, &DebugState::Breakpoint::address);
    if (found == state_.breakpoints.end()) return false;
    const GuestPhys at = found->at;
    state_.breakpoints.erase(found);
    if (std::ranges::find(state_.breakpoints, at, &DebugState::Breakpoint::at) ==
        state_.breakpoints.end())
        vm_.memory().debug_points()->remove(at);
    return true;
}

/// The parts of it that were inserted go where not all can be.
bool VmTarget::insert_watchpoint(std::uint32_t cpu, const WatchedBytes& bytes, WatchKind kind) {
    DebugPoints* const points = vm_.memory().debug_points();
    if (points == nullptr || bytes.size == 0 || bytes.size > most_watched) return false;
    const auto insert = [&](GuestPhys at, std::uint64_t, std::uint64_t size) {
        return for_each_page({at, size}, [&](GuestRange part) {
            return points->insert(Watchpoint{.range = part, .kind = kind, .named = bytes});
        });
    };
    take_ebreaks(true);
    if (for_each_piece(cpu, bytes.address, bytes.size, insert) == bytes.size) return true;
    points->remove(bytes, kind);
    return false;
}

void VmTarget::remove_watchpoint(const WatchedBytes& bytes, WatchKind kind) {
    if (DebugPoints* const points = vm_.memory().debug_points()) points->remove(bytes, kind);
}

/// Where gdb has a breakpoint itself, that does.
bool VmTarget::stop_after_step(std::uint32_t cpu, std::uint64_t address) {
    const auto at = find_code(cpu, address);
    if (!at) return false;
    if (vm_.memory().debug_points()->has(*at)) return true;
    if (!vm_.memory().debug_points()->insert(*at)) return false;
    state_.after_step.push_back(*at);
    return true;
}

/// Traps go to stvec; where interrupts have entries of their own, a supervisor's three are 1, 5 and
/// 9 ("Supervisor Trap Vector Base Address (stvec) Register").
bool VmTarget::begin_step(std::uint32_t cpu) {
    const bool physical = std::exchange(state_.physical, false);
    const Vcpu& vcpu = vm_.vcpu(cpu);
    const GuestCsrs& csrs = vcpu.state().csrs;
    const std::uint64_t at = vcpu.context.pc;
    std::array<std::byte, 4> bytes{};
    bool stops = false;  // somewhere; what cannot be fetched or found traps
    if (read_memory(cpu, at, bytes) >= 2) {
        const auto instruction = std::bit_cast<std::uint32_t>(bytes);
        for (const std::uint64_t next :
             next_instructions(instruction, at, vcpu.context.x, csrs.vsepc))
            stops = stop_after_step(cpu, next) || stops;
    }
    const std::uint64_t vector = csrs.vstvec & ~Stvec::MODE::mask;
    stops = stop_after_step(cpu, vector) || stops;
    if (vector != csrs.vstvec) {
        for (const std::uint64_t cause : {1u, 5u, 9u})
            stops = stop_after_step(cpu, vector + 4 * cause) || stops;
    }
    state_.physical = physical;
    if (!stops) return false;
    take_ebreaks(true);
    run_alone(cpu);
    return true;
}

void VmTarget::end_step() {
    for (const GuestPhys at : state_.after_step)
        vm_.memory().debug_points()->remove(at);
    state_.after_step.clear();
    vm_.debugging().run_alone(std::nullopt);
}

/// Who has met one meanwhile finds that it is not there, and goes on.
void VmTarget::forget_breakpoints(bool at_rest) {
    if (!vm_.debugging().takes_ebreaks()) return;
    state_.after_step.clear();
    state_.breakpoints.clear();
    vm_.memory().debug_points()->remove_all();
    vm_.debugging().take_ebreaks(false);
    vm_.debugging().forget_reservations();
    if (at_rest) take_ebreaks(false);
    (void)vm_.debugging().take_met();
    vm_.run_all();
}

}  // namespace cairn
