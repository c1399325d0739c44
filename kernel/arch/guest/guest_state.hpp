// SPDX-License-Identifier: MIT
// What a guest's hart holds beside the integer registers (kernel/arch/guest/vcpu_context.hpp), as a
// value: the VS CSRs, the CSRs of the hypervisor that rule one guest, and the FP and vector
// registers. `load_guest_state` and `save_guest_state` move it into the hart at hand and out of it
// again.
//
// The FP and vector registers are saved by dirtiness. Each vCPU has sstatus.FS and VS of its own:
// hardware sets them to dirty, together with those of vsstatus, when V=1 changes the registers
// (Privileged Architecture, "Hypervisor", section "Virtual Supervisor Status (vsstatus) Register").
// Those of vsstatus are the guest's, which calls clean what it has saved itself, so they do not say
// whether this value is up to date. The control registers are few and always saved.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/guest/guest_extensions.h"
#include "kernel/arch/isa/csr.hpp"

namespace cairn {

struct GuestCsrs {
    std::uint64_t vsstatus = 0;
    std::uint64_t vsie = 0;
    std::uint64_t vstvec = 0;
    std::uint64_t vsscratch = 0;
    std::uint64_t vsepc = 0;
    std::uint64_t vscause = 0;
    std::uint64_t vstval = 0;
    std::uint64_t vsatp = 0;
    std::uint64_t hvip = 0;
    std::uint64_t vstimecmp = ~std::uint64_t{0};  ///< without Sstc the host's timer stands in
    std::uint64_t senvcfg = 0;
    std::uint64_t scounteren = 0;
    std::uint64_t henvcfg = 0;
    std::uint64_t hedeleg = 0;
    std::uint64_t hideleg = 0;
    std::uint64_t hcounteren = 0;
    std::uint64_t htimedelta = 0;
    std::uint64_t hstateen0 = 0;  ///< where the hart has it
    std::uint64_t hstatus = 0;
    std::uint64_t sstatus = 0;  ///< SPP, FS and VS: the rest is the host's
    bool operator==(const GuestCsrs&) const = default;
};

/// In the layout that kernel/arch/guest/guest_extensions.S has.
struct GuestFp {
    std::array<std::uint64_t, 32> f{};
    std::uint64_t fcsr = 0;
    bool operator==(const GuestFp&) const = default;
};

/// In the layout that kernel/arch/guest/guest_extensions.S has.
struct GuestVector {
    static constexpr std::uint64_t illegal_type = std::uint64_t{1} << 63;  ///< vtype.vill

    static constexpr std::uint64_t count = 32;
    std::byte* registers = nullptr;  ///< room for v0 to v31, 32 * vlenb bytes; nullptr: no V
    std::uint64_t vstart = 0;
    std::uint64_t vl = 0;
    std::uint64_t vtype = illegal_type;
    std::uint64_t vcsr = 0;
};

static_assert(offsetof(GuestFp, fcsr) == CAIRN_FP_FCSR);
static_assert(offsetof(GuestVector, registers) == CAIRN_VECTOR_REGISTERS);
static_assert(offsetof(GuestVector, vstart) == CAIRN_VECTOR_VSTART);
static_assert(offsetof(GuestVector, vl) == CAIRN_VECTOR_VL);
static_assert(offsetof(GuestVector, vtype) == CAIRN_VECTOR_VTYPE);
static_assert(offsetof(GuestVector, vcsr) == CAIRN_VECTOR_VCSR);

/// Which parts of a GuestState the hart has and the guest is given.
struct GuestStateParts {
    bool sstc = false;
    bool stateen = false;
    bool fp = false;
    bool vector = false;
};

struct GuestState {
    GuestStateParts parts;
    GuestCsrs csrs;
    GuestFp fp;
    GuestVector vector;

    /// The interrupts that are pending and enabled in the value at the guest's `time`, as bits of
    /// vsie: what ends a wfi. The lines are bits of hvip, one above those of vsie.
    [[nodiscard]] std::uint64_t wakes(std::uint64_t time) const {
        const bool expired = time >= csrs.vstimecmp;
        const std::uint64_t lines = csrs.hvip | Hip::VSTIP::of(expired);
        return lines >> 1 & csrs.vsie;
    }
};

/// Everything of `state` into the hart at hand, but for the deadline without Sstc. Registers that
/// have been neither changed nor saved since a reset are cleared: what another guest has left there
/// is not seen.
void load_guest_state(const GuestState& state);

/// The state of the hart at hand into `state`, whose `parts` it keeps; FP and vector registers only
/// where they are dirty.
void save_guest_state(GuestState& state);

/// The hart at hand, which holds no guest's state, is about to sleep: no interrupt of the guest
/// that it held last can wake it, and that one's page tables are left alone.
void silence_guest_interrupts();

}  // namespace cairn
