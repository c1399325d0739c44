// SPDX-License-Identifier: MIT
// What the world switch (kernel/arch/guest/world_switch.S) saves and loads: the guest's integer
// registers and pc, and the way back to the host. Everything else that is a vCPU's (VS CSRs, FP
// registers) stays in the hart while its vCPU does. Owned by the vCPU; touched by one hart at a
// time.
//
//   enter_guest(context) ──► guest runs ──► exit ──► handle_guest_exit(context), or
//        ▲                      ▲                    handle_guest_access(context, ...)
//        │                      │                        │ resume
//        │                      └────────────────────────┤
//        └── returns when ───────────────────────────────┘ false: leave
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kernel/arch/firmware/sbi.hpp"
#include "kernel/arch/guest/world_switch_constants.h"
#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/arch/start/kernel_frame.hpp"

namespace cairn {

class Doorbell;
class Vcpu;
struct IpiRoute;

struct VcpuContext {
    Registers x{};                 ///< the guest's x0..x31; x0 stays 0
    std::uint64_t pc = 0;          ///< where the guest goes on
    std::uint64_t host_sp = 0;     ///< the host's stack while the guest runs
    std::uint64_t host_tp = 0;     ///< the host's per-hart pointer while the guest runs
    std::uint64_t exit_entry = 0;  ///< stvec while the guest runs (guest_exit_entry)
    std::uint64_t self_mask = 0;   ///< the mask that, with base 0, names this hart in SBI calls
    std::uint32_t has_sstc = 0;    ///< 1 where vstimecmp is the guest's timer
    std::uint32_t hart_id = 0;     ///< the guest's number for its hart
    /// IPIs to one hart below this are sent without C++, and `ipi_routes` has as many entries.
    std::uint32_t quick_ipis = 0;
    /// Ticks of `time` after which the guest's timer is renewed (Vcpu::renew_timer); 0: never.
    std::uint32_t timer_renewal = 0;
    const IpiRoute* ipi_routes = nullptr;
    Doorbell* bell = nullptr;  ///< the vCPU's own
    Vcpu* vcpu = nullptr;      ///< whose context this is; the world switch does not look
};

static_assert(offsetof(VcpuContext, x) == 0, "the world switch takes register n from n * 8");
static_assert(offsetof(VcpuContext, pc) == CAIRN_CONTEXT_PC);
static_assert(offsetof(VcpuContext, host_sp) == CAIRN_CONTEXT_HOST_SP);
static_assert(offsetof(VcpuContext, host_tp) == CAIRN_CONTEXT_HOST_TP);
static_assert(offsetof(VcpuContext, exit_entry) == CAIRN_CONTEXT_EXIT_ENTRY);
static_assert(offsetof(VcpuContext, self_mask) == CAIRN_CONTEXT_SELF_MASK);
static_assert(offsetof(VcpuContext, has_sstc) == CAIRN_CONTEXT_HAS_SSTC);
static_assert(offsetof(VcpuContext, hart_id) == CAIRN_CONTEXT_HART_ID);
static_assert(offsetof(VcpuContext, quick_ipis) == CAIRN_CONTEXT_QUICK_IPIS);
static_assert(offsetof(VcpuContext, timer_renewal) == CAIRN_CONTEXT_TIMER_RENEWAL);
static_assert(offsetof(VcpuContext, ipi_routes) == CAIRN_CONTEXT_IPI_ROUTES);
static_assert(offsetof(VcpuContext, bell) == CAIRN_CONTEXT_BELL);

static_assert(static_cast<int>(Exception::ecall_from_vs) == CAIRN_CAUSE_ECALL_FROM_VS);
static_assert(static_cast<int>(Exception::load_guest_page_fault) ==
              CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT);
static_assert(static_cast<int>(Exception::store_guest_page_fault) ==
              CAIRN_CAUSE_STORE_GUEST_PAGE_FAULT);
static_assert(std::popcount(unsigned{CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT ^
                                     CAIRN_CAUSE_STORE_GUEST_PAGE_FAULT}) == 1);
static_assert(static_cast<int>(Interrupt::supervisor_timer) == CAIRN_INTERRUPT_SUPERVISOR_TIMER);
static_assert(static_cast<int>(Interrupt::supervisor_software) ==
              CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE);
static_assert(Sip::SSIP::mask == CAIRN_SIP_SSIP);
static_assert(Sip::STIP::mask == CAIRN_SIE_STIE);
static_assert(Hip::VSSIP::mask == CAIRN_HVIP_VSSIP);
static_assert(Hip::VSTIP::mask == CAIRN_HVIP_VSTIP);
static_assert(static_cast<int>(SbiExtension::base) == CAIRN_EXTENSION_BASE);
static_assert(static_cast<int>(SbiExtension::time) == CAIRN_EXTENSION_TIME);
static_assert(static_cast<int>(SbiExtension::ipi) == CAIRN_EXTENSION_IPI);

/// The SBI version that guests are told, in the form of get_spec_version.
inline constexpr std::uint64_t guest_sbi_version = sbi_spec_version(3, 0);
static_assert(guest_sbi_version == CAIRN_SBI_SPEC_VERSION);

/// How the guest goes on. C++ keeps s1 to s11 as any function does, so they need no loading unless
/// they have changed in the context.
enum class Resumption : std::uint8_t {
    none = 0,                  ///< not at all: enter_guest returns
    all = 1,                   ///< with every register from the context
    with_saved_registers = 2,  ///< the same, but s1 to s11 are as they were
    not_yet = 3,               ///< of handle_guest_access: handle_open_access has to be called
};
[[nodiscard]] constexpr std::string_view to_string(Resumption resumption) {
    switch (resumption) {
        case Resumption::none: return "not at all";
        case Resumption::all: return "with every register loaded";
        case Resumption::with_saved_registers: return "with s1 to s11 as they are";
        case Resumption::not_yet: return "not before another look";
    }
    std::unreachable();
}
static_assert(static_cast<int>(Resumption::with_saved_registers) ==
              CAIRN_RESUME_WITH_SAVED_REGISTERS);

extern "C" {
/// Runs the guest until one of the handlers below answers `Resumption::none`. Interrupts of the
/// host stay masked while the host itself runs; they are taken as exits.
void enter_guest(VcpuContext* context);

/// Called on each exit but those of the next function, on the host's stack. Defined by
/// kernel/exit/handle_exit.cpp.
Resumption handle_guest_exit(VcpuContext* context);

/// Called on a guest-page fault of a load or store, before s1 to s11 are in the context: C++ keeps
/// them in the hart, and most accesses are none of them. It never answers `all`. `fetched` is the
/// instruction at pc, of 16 or 32 bits by its own length bits (more bits than that may follow it),
/// unless reading it faulted: then it is the scause of that with bit CAIRN_FETCH_FAULTED_BIT set,
/// and `fault_address` is what faulted; else that is anything. The rest are the trap's CSRs, which
/// can be read, too. Defined by kernel/exit/memory_fault.cpp.
Resumption handle_guest_access(VcpuContext* context, std::uint64_t fetched,
                               std::uint64_t fault_address, std::uint64_t htinst,
                               std::uint64_t stval, std::uint64_t htval);

/// Called where that has answered `not_yet`, with all registers in the context.
Resumption handle_open_access(VcpuContext* context);

/// Called on each exit, and in place of these three, where exits do not go by the shortest way
/// (guest_exit_entry); all registers are in the context. It never answers `not_yet`. Defined by
/// kernel/exit/watched_exit.cpp.
Resumption handle_watched_exit(VcpuContext* context);
}

}  // namespace cairn
