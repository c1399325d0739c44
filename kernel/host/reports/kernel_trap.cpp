// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
// The two ways in which the hypervisor ends by its own fault: a trap that it took itself, and a
// panic. Both print what they know, from the least to the most doubtful, and stop the machine.
#include <atomic>

#include <cairn/byte_size.hpp>
#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/arch/start/kernel_frame.hpp"
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/boot/power.hpp"
#include "kernel/host/cpu/this_hart.hpp"
#include "kernel/host/cpu/trap_stack.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/host/reports/backtrace.hpp"
#include "kernel/host/reports/kernel_fault.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t nobody = ~std::uint64_t{0};
/// The hart that reports; needed before .bss is clear.
[[gnu::section(".data")]] constinit std::atomic<std::uint64_t> dying_hart = nobody;

/// A fault while reporting a fault: what could be said has been said. The second hart in trouble
/// leaves the word to the first, which ends the machine.
void enter_last_words() {
    std::uint64_t first = nobody;
    if (!dying_hart.compare_exchange_strong(first, this_hart.id)) {
        if (first == this_hart.id) power_off(Outcome::failure);
        for (;;)
            wait_for_interrupt();
    }
    console_ignore_lock();
}

void print_registers(const KernelFrame& frame) {
    for (std::size_t i = 1; i < frame.registers.size(); ++i) {
        print("  {:>4} {:#018x}{}", register_names[i], frame.registers[i], i % 3 == 0 ? "\n" : "");
    }
    println();
}

void explain_fault(std::uint64_t cause, std::uint64_t address, std::uint64_t sp) {
    const FaultSurroundings where{
        .stack = this_hart.stack, .constants = constant_range(), .code = code_range()};
    const FaultKind kind =
        classify_fault({.scause = cause, .address = {address}, .sp = {sp}}, where);
    if (kind == FaultKind::other) return;
    if (kind == FaultKind::stack_overflow) {
        println("  stack overflow of hart {}: its {} down to {:#x} are used up", this_hart.id,
                ByteSize{where.stack.size}, where.stack.base.value);
    } else {
        println("  {} by hart {}", kind, this_hart.id);
    }
}

bool lacks_hypervisor_extension(std::uint64_t cause, std::uint64_t instruction) {
    if (static_cast<Exception>(cause) != Exception::illegal_instruction) return false;
    constexpr std::uint64_t system_opcode = 0x73;
    const std::uint64_t csr = instruction >> 20;
    return (instruction & 0x7f) == system_opcode && csr >= 0x600 && csr <= 0x6ff;
}

}  // namespace

constinit thread_local std::byte* trap_stack_end = __trap_stack_top;

extern "C" [[noreturn]] void report_kernel_trap(const KernelFrame& frame) {
    enter_last_words();
    const std::uint64_t cause = csr_read<Csr::scause>();
    const std::uint64_t pc = csr_read<Csr::sepc>();
    const std::uint64_t value = csr_read<Csr::stval>();
    println("\nhypervisor trap: {} (scause {:#x})", trap_cause_name(cause), cause);
    println("  pc {:#018x}  fault address {:#018x}", pc, value);
    if (lacks_hypervisor_extension(cause, value)) {
        println("  the instruction touches a CSR of the H extension: has this hart got H?");
    }
    explain_fault(cause, value, frame.registers[2]);
    print_registers(frame);
    print_backtrace(pc, frame.registers[1], frame.registers[8]);
    power_off(Outcome::failure);
}

void platform_panic(std::string_view sentence, std::source_location where) {
    enter_last_words();
    println("\nhypervisor panic: {}\n  at {}:{}, {}", sentence, where.file_name(), where.line(),
            where.function_name());
    print_backtrace(program_counter(), 0, frame_pointer());
    power_off(Outcome::failure);
}

}  // namespace cairn
