// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/exit/access_registers.hpp"

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

/// A narrower value in an f-register has ones above it ("D" extension, "NaN Boxing").
std::uint64_t boxed(std::uint64_t value, unsigned width) {
    return width == 8 ? value : value | ~std::uint64_t{0} << (8 * width);
}

}  // namespace

bool has_register_of(const Vcpu& vcpu, AccessKind kind) {
    if (kind != AccessKind::fp_load && kind != AccessKind::fp_store) return true;
    return vcpu.vm().features().fp &&
           Sstatus::FS::get(csr_read<Csr::vsstatus>()) != ExtensionState::off;
}

void set_loaded(Vcpu& vcpu, const MemoryAccess& access, std::uint64_t value) {
    if (access.kind == AccessKind::fp_load) {
        write_fp_register(access.reg, boxed(value, access.width));
        vcpu.mark_fp_changed();
    } else if (access.reg != 0) {
        vcpu.context.x[access.reg & 31] = loaded_value(access, value);
    }
}

std::uint64_t value_to_store(const Vcpu& vcpu, const MemoryAccess& access) {
    return access.kind == AccessKind::fp_store ? read_fp_register(access.reg)
                                               : vcpu.context.x[access.reg & 31];
}

}  // namespace cairn
