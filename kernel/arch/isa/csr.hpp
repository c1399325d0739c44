// SPDX-License-Identifier: MIT
// What the specification says of the control and status registers that Cairn and its test guests
// touch: numbers and fields. Facts only; access is in kernel/arch/isa/csr_access.hpp, so all that
// decodes a CSR's value stays testable on the host. tests/checks compares numbers and fields with
// second sources, and refuses a row that nobody uses.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <cairn/field.hpp>

namespace cairn {

// RISC-V Privileged Architecture, version 20240411 and later, chapter "Control and Status
// Registers (CSRs)", tables of allocated unprivileged, supervisor, and hypervisor and VS CSR
// addresses. X(name, number, title)
#define CAIRN_CSRS(X)                                                      \
    X(fcsr, 0x003, "floating-point control and status")                    \
    X(vcsr, 0x00f, "vector control and status")                            \
    X(cycle, 0xc00, "cycle counter")                                       \
    X(time, 0xc01, "timer")                                                \
    X(instret, 0xc02, "instructions-retired counter")                      \
    X(vtype, 0xc21, "vector data type")                                    \
    X(vlenb, 0xc22, "vector register length in bytes")                     \
    X(sstatus, 0x100, "supervisor status")                                 \
    X(sie, 0x104, "supervisor interrupt enable")                           \
    X(stvec, 0x105, "supervisor trap handler base address")                \
    X(scounteren, 0x106, "supervisor counter enable")                      \
    X(senvcfg, 0x10a, "supervisor environment configuration")              \
    X(sscratch, 0x140, "supervisor scratch")                               \
    X(sepc, 0x141, "supervisor exception program counter")                 \
    X(scause, 0x142, "supervisor trap cause")                              \
    X(stval, 0x143, "supervisor trap value")                               \
    X(sip, 0x144, "supervisor interrupt pending")                          \
    X(stimecmp, 0x14d, "supervisor timer compare")                         \
    X(satp, 0x180, "supervisor address translation and protection")        \
    X(hstatus, 0x600, "hypervisor status")                                 \
    X(hedeleg, 0x602, "hypervisor exception delegation")                   \
    X(hideleg, 0x603, "hypervisor interrupt delegation")                   \
    X(hie, 0x604, "hypervisor interrupt enable")                           \
    X(htimedelta, 0x605, "delta for VS/VU-mode timer")                     \
    X(hcounteren, 0x606, "hypervisor counter enable")                      \
    X(henvcfg, 0x60a, "hypervisor environment configuration")              \
    X(hstateen0, 0x60c, "hypervisor state enable 0")                       \
    X(htval, 0x643, "hypervisor trap value")                               \
    X(hvip, 0x645, "hypervisor virtual interrupt pending")                 \
    X(htinst, 0x64a, "hypervisor trap instruction")                        \
    X(hgatp, 0x680, "hypervisor guest address translation and protection") \
    X(vsstatus, 0x200, "virtual supervisor status")                        \
    X(vsie, 0x204, "virtual supervisor interrupt enable")                  \
    X(vstvec, 0x205, "virtual supervisor trap handler base address")       \
    X(vsscratch, 0x240, "virtual supervisor scratch")                      \
    X(vsepc, 0x241, "virtual supervisor exception program counter")        \
    X(vscause, 0x242, "virtual supervisor trap cause")                     \
    X(vstval, 0x243, "virtual supervisor trap value")                      \
    X(vstimecmp, 0x24d, "virtual supervisor timer compare")                \
    X(vsatp, 0x280, "virtual supervisor address translation and protection")

/// A CSR by its specification name; the value is its number.
enum class Csr : std::uint16_t {
#define CAIRN_ROW(name, number, title) name = (number),
    CAIRN_CSRS(CAIRN_ROW)
#undef CAIRN_ROW
};

struct CsrRow {
    Csr csr;
    std::string_view name;
    std::string_view title;
};

/// Every row of CAIRN_CSRS, in its order.
inline constexpr auto csr_rows = std::to_array<CsrRow>({
#define CAIRN_ROW(name, number, title) {Csr::name, #name, title},
    CAIRN_CSRS(CAIRN_ROW)
#undef CAIRN_ROW
});

/// The specification name of CSR `number`; empty when it has no row here.
[[nodiscard]] constexpr std::string_view csr_name(std::uint32_t number) {
    for (const CsrRow& row : csr_rows) {
        if (static_cast<std::uint32_t>(row.csr) == number) return row.name;
    }
    return {};
}

/// State of an extension's registers: sstatus.FS and sstatus.VS.
enum class ExtensionState : std::uint8_t { off = 0, initial = 1, clean = 2, dirty = 3 };

/// XLEN of a privilege mode: sstatus.UXL and hstatus.VSXL.
enum class Xlen : std::uint8_t { rv32 = 1, rv64 = 2 };

/// "Supervisor-Level ISA", section "Supervisor Status (sstatus) Register", SXLEN=64. vsstatus has
/// the same layout.
struct Sstatus {
    using SIE = Bit<1>;   ///< interrupts are enabled in S-mode
    using SPIE = Bit<5>;  ///< SIE before the trap
    using UBE = Bit<6>;   ///< U-mode is big-endian
    using SPP = Bit<8>;   ///< the trap came from S-mode (not U)
    using VS = Field<10, 9, ExtensionState>;
    using FS = Field<14, 13, ExtensionState>;
    using XS = Field<16, 15, ExtensionState>;
    using SUM = Bit<18>;    ///< S-mode may access user pages
    using MXR = Bit<19>;    ///< loads may read executable pages
    using SPELP = Bit<23>;  ///< a landing pad was expected before the trap (Zicfilp)
    using SDT = Bit<24>;    ///< double trap disable (Ssdbltrp)
    using UXL = Field<33, 32, Xlen>;
    using SD = Bit<63>;  ///< one of FS, VS, XS is dirty
};

/// "Hypervisor" chapter, section "Hypervisor Status (hstatus) Register", HSXLEN=64.
struct Hstatus {
    using VSBE = Bit<5>;  ///< VS-mode is big-endian
    using GVA = Bit<6>;   ///< stval holds a guest virtual address
    using SPV = Bit<7>;   ///< the trap came from V=1; sret goes there
    using SPVP = Bit<8>;  ///< the guest's privilege at the trap; what HLV and HSV act as
    using HU = Bit<9>;    ///< U-mode may use HLV, HLVX, HSV
    using VGEIN = Field<17, 12>;
    using VTVM = Bit<20>;  ///< VS-mode's sfence.vma and satp accesses trap
    using VTW = Bit<21>;   ///< VS-mode's wfi traps
    using VTSR = Bit<22>;  ///< VS-mode's sret traps
    using VSXL = Field<33, 32, Xlen>;
    using HUPMM = Field<49, 48>;
};

/// henvcfg.CBIE: what cbo.inval does in VS-mode.
enum class CboInval : std::uint8_t { trap = 0, flush = 1, inval = 3 };

/// Same chapter, "Hypervisor Environment Configuration Register (henvcfg)". senvcfg has the low
/// half of it.
struct Henvcfg {
    using FIOM = Bit<0>;  ///< fence of I/O implies memory
    using LPE = Bit<2>;   ///< Zicfilp in VS-mode
    using SSE = Bit<3>;   ///< Zicfiss in VS-mode
    using CBIE = Field<5, 4, CboInval>;
    using CBCFE = Bit<6>;  ///< cbo.clean and cbo.flush are allowed
    using CBZE = Bit<7>;   ///< cbo.zero is allowed
    using PMM = Field<33, 32>;
    using DTE = Bit<59>;    ///< Ssdbltrp in VS-mode
    using ADUE = Bit<61>;   ///< hardware updates A and D in VS-stage tables
    using PBMTE = Bit<62>;  ///< Svpbmt in VS-stage tables
    using STCE = Bit<63>;   ///< vstimecmp works, stimecmp in VS-mode reaches it
};

/// hip, hie, hvip: "Hypervisor Interrupt (hvip, hip, and hie) Registers". hideleg has the same
/// bits.
struct Hip {
    using VSSIP = Bit<2>;
    using VSTIP = Bit<6>;
    using VSEIP = Bit<10>;
    using SGEIP = Bit<12>;  ///< not in hvip
};

/// sip and sie; as the guest sees them, vsip and vsie too: "Supervisor Interrupt (sip and sie)
/// Registers".
struct Sip {
    using SSIP = Bit<1>;
    using STIP = Bit<5>;
    using SEIP = Bit<9>;
    using LCOFIP = Bit<13>;
};

/// scause and vscause: "Supervisor Cause (scause) Register". The codes are in
/// kernel/arch/isa/trap_cause.hpp.
struct Scause {
    using INTERRUPT = Bit<63>;
    using CODE = Field<62, 0>;
};

/// stvec.MODE and vstvec.MODE.
enum class TrapVectorMode : std::uint8_t { direct = 0, vectored = 1 };

/// "Supervisor Trap Vector Base Address (stvec) Register": the base is the value with MODE cleared.
struct Stvec {
    using MODE = Field<1, 0, TrapVectorMode>;
};

/// satp.MODE: "Supervisor Address Translation and Protection (satp) Register", SXLEN=64.
enum class SatpMode : std::uint8_t { bare = 0, sv39 = 8, sv48 = 9, sv57 = 10 };

/// satp and vsatp.
struct Satp {
    using MODE = Field<63, 60, SatpMode>;
    using ASID = Field<59, 44>;
    using PPN = Field<43, 0>;
};

/// hgatp.MODE: "Hypervisor Guest Address Translation and Protection (hgatp) Register", HSXLEN=64.
enum class HgatpMode : std::uint8_t { bare = 0, sv39x4 = 8, sv48x4 = 9, sv57x4 = 10 };

/// The root table is 16 KiB and 16-KiB-aligned, so the low two bits of PPN are zero.
struct Hgatp {
    using MODE = Field<63, 60, HgatpMode>;
    using VMID = Field<57, 44>;
    using PPN = Field<43, 0>;
};

/// hcounteren and scounteren: "Hypervisor Counter-Enable (hcounteren) Register".
struct Counteren {
    using CY = Bit<0>;
    using TM = Bit<1>;
    using IR = Bit<2>;
};

/// hstateen0: "State Enable Extension (Smstateen/Ssstateen)".
struct Hstateen0 {
    using C = Bit<0>;         ///< custom state
    using FCSR = Bit<1>;      ///< fcsr when Zfinx is there
    using JVT = Bit<2>;       ///< Zcmt's jvt
    using CTR = Bit<54>;      ///< control transfer records
    using CONTEXT = Bit<57>;  ///< scontext
    using IMSIC = Bit<58>;    ///< guest interrupt file
    using AIA = Bit<59>;      ///< AIA state that IMSIC and CSRIND do not name
    using CSRIND = Bit<60>;   ///< siselect and sireg*
    using ENVCFG = Bit<62>;   ///< senvcfg
    using SE0 = Bit<63>;      ///< sstateen0
};

/// "F" extension, "Floating-Point Control and Status Register".
struct Fcsr {
    using FFLAGS = Field<4, 0>;
    using FRM = Field<7, 5>;
};

}  // namespace cairn
