// SPDX-License-Identifier: MIT
// What the guests share: start-up, console, command line, SBI calls, and a trap handler that notes
// an exception and steps over the instruction that raised it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/print.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/trap_cause.hpp"

namespace cairn::guest {

/// Defined by each guest; when it returns, the guest powers off.
void run(std::string_view arguments);

struct Trap {
    std::uint64_t scause;
    std::uint64_t stval;
    std::uint64_t sepc;
    unsigned count;  ///< exceptions so far
};
/// The last exception.
extern volatile Trap last_trap;

/// What the loader gave.
extern const std::byte* device_tree;

/// Called on interrupts, with scause; set it before enabling any.
extern void (*interrupt_handler)(std::uint64_t scause);

/// Ends the guest; a failure makes Cairn's exit status a failing one.
[[noreturn]] void power_off(bool failed = false);

// The UART of QEMU's `virt` and of Cairn's guests.
inline constexpr std::uint64_t uart_base = 0x1000'0000;
void uart_put(char character);
[[nodiscard]] bool uart_has_input();
[[nodiscard]] char uart_get();

}  // namespace cairn::guest
