// SPDX-License-Identifier: MIT
// Why a trap was taken: the codes of scause and vscause with their names. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/arch/isa/csr.hpp"

namespace cairn {

// RISC-V Privileged Architecture, "Hypervisor" chapter, section "Trap Cause Codes", the table of
// cause codes with the hypervisor extension; 16, 18 and 19 from the supervisor chapter's table.
// X(name, number, title)
#define CAIRN_EXCEPTIONS(X)                                                \
    X(instruction_address_misaligned, 0, "instruction address misaligned") \
    X(instruction_access_fault, 1, "instruction access fault")             \
    X(illegal_instruction, 2, "illegal instruction")                       \
    X(breakpoint, 3, "breakpoint")                                         \
    X(load_address_misaligned, 4, "load address misaligned")               \
    X(load_access_fault, 5, "load access fault")                           \
    X(store_address_misaligned, 6, "store/AMO address misaligned")         \
    X(store_access_fault, 7, "store/AMO access fault")                     \
    X(ecall_from_u, 8, "environment call from U-mode or VU-mode")          \
    X(ecall_from_hs, 9, "environment call from HS-mode")                   \
    X(ecall_from_vs, 10, "environment call from VS-mode")                  \
    X(ecall_from_m, 11, "environment call from M-mode")                    \
    X(instruction_page_fault, 12, "instruction page fault")                \
    X(load_page_fault, 13, "load page fault")                              \
    X(store_page_fault, 15, "store/AMO page fault")                        \
    X(double_trap, 16, "double trap")                                      \
    X(software_check, 18, "software check")                                \
    X(hardware_error, 19, "hardware error")                                \
    X(instruction_guest_page_fault, 20, "instruction guest-page fault")    \
    X(load_guest_page_fault, 21, "load guest-page fault")                  \
    X(virtual_instruction, 22, "virtual instruction")                      \
    X(store_guest_page_fault, 23, "store/AMO guest-page fault")

// Same table, causes with the interrupt bit set; 13 from the Sscofpmf extension.
#define CAIRN_INTERRUPTS(X)                                                     \
    X(supervisor_software, 1, "supervisor software interrupt")                  \
    X(virtual_supervisor_software, 2, "virtual supervisor software interrupt")  \
    X(machine_software, 3, "machine software interrupt")                        \
    X(supervisor_timer, 5, "supervisor timer interrupt")                        \
    X(virtual_supervisor_timer, 6, "virtual supervisor timer interrupt")        \
    X(machine_timer, 7, "machine timer interrupt")                              \
    X(supervisor_external, 9, "supervisor external interrupt")                  \
    X(virtual_supervisor_external, 10, "virtual supervisor external interrupt") \
    X(machine_external, 11, "machine external interrupt")                       \
    X(supervisor_guest_external, 12, "supervisor guest external interrupt")     \
    X(counter_overflow, 13, "counter overflow interrupt")

#define CAIRN_ROW(name, number, title) name = (number),
/// Exception code of scause. A value read from a CSR may be outside the list.
enum class Exception : std::uint64_t { CAIRN_EXCEPTIONS(CAIRN_ROW) };
/// Interrupt code of scause; also the interrupt's bit in sip, hip and hideleg.
enum class Interrupt : std::uint64_t { CAIRN_INTERRUPTS(CAIRN_ROW) };
#undef CAIRN_ROW

/// The bit of `exception` in hedeleg.
[[nodiscard]] constexpr std::uint64_t bit(Exception exception) {
    return std::uint64_t{1} << (static_cast<std::uint64_t>(exception) & 63);
}
/// The bit of `interrupt` in sip, sie, hip, hie and hideleg.
[[nodiscard]] constexpr std::uint64_t bit(Interrupt interrupt) {
    return std::uint64_t{1} << (static_cast<std::uint64_t>(interrupt) & 63);
}

/// hedeleg's bits for misaligned loads and stores, which SBI FWFT gives or takes (scalar ones).
inline constexpr std::uint64_t misaligned_exceptions =
    bit(Exception::load_address_misaligned) | bit(Exception::store_address_misaligned);

[[nodiscard]] constexpr bool is_interrupt(std::uint64_t scause) {
    return Scause::INTERRUPT::get(scause);
}
/// The code of an scause without the interrupt bit.
[[nodiscard]] constexpr Exception exception_of(std::uint64_t scause) {
    return static_cast<Exception>(Scause::CODE::get(scause));
}
[[nodiscard]] constexpr Interrupt interrupt_of(std::uint64_t scause) {
    return static_cast<Interrupt>(Scause::CODE::get(scause));
}

#define CAIRN_ROW(name, number, title) \
    case number: return title;
/// The specification's words for `exception`.
[[nodiscard]] constexpr std::string_view to_string(Exception exception) {
    switch (static_cast<std::uint64_t>(exception)) {
        CAIRN_EXCEPTIONS(CAIRN_ROW)
        default: return "exception that the specification reserves";
    }
}
/// The specification's words for `interrupt`.
[[nodiscard]] constexpr std::string_view to_string(Interrupt interrupt) {
    switch (static_cast<std::uint64_t>(interrupt)) {
        CAIRN_INTERRUPTS(CAIRN_ROW)
        default: return "interrupt that the specification reserves";
    }
}
#undef CAIRN_ROW

/// The specification's words for a whole scause.
[[nodiscard]] constexpr std::string_view trap_cause_name(std::uint64_t scause) {
    return is_interrupt(scause) ? to_string(interrupt_of(scause)) : to_string(exception_of(scause));
}

static_assert(bit(Interrupt::virtual_supervisor_external) == Hip::VSEIP::mask);
static_assert(bit(Interrupt::virtual_supervisor_timer) == Hip::VSTIP::mask);
static_assert(bit(Interrupt::virtual_supervisor_software) == Hip::VSSIP::mask);
static_assert(bit(Interrupt::supervisor_guest_external) == Hip::SGEIP::mask);
static_assert(bit(Interrupt::supervisor_timer) == Sip::STIP::mask);

}  // namespace cairn
