// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/vm_target.hpp"

#include <algorithm>

#include <cairn/print.hpp>
#include "kernel/manager/gdb/register_file.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

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

}  // namespace cairn
