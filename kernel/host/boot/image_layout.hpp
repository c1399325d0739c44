// SPDX-License-Identifier: MIT
// The linker scripts' symbols (hypervisor.ld, kernel/uefi/image.ld) as ranges.
#pragma once

#include <cstddef>

#include "kernel/arch/address.hpp"

extern "C" {
extern char __image_start[], __image_end[];   // NOLINT(bugprone-reserved-identifier)
extern char __bss_start[], __bss_end[];       // NOLINT(bugprone-reserved-identifier)
extern char __text_start[], __text_end[];     // NOLINT(bugprone-reserved-identifier)
extern char __stack_bottom[], __stack_top[];  // NOLINT(bugprone-reserved-identifier)
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern std::byte __trap_stack_bottom[], __trap_stack_top[];
extern char __tls_start[], __tls_end[];  // NOLINT(bugprone-reserved-identifier)
extern char __heap[], __heap_end[];      // NOLINT(bugprone-reserved-identifier)
}

namespace cairn {

inline HostRange range_between(const char* first, const char* last) {
    return {{reinterpret_cast<std::uintptr_t>(first)}, static_cast<std::uint64_t>(last - first)};
}

/// The part of the image that nobody writes to: code, constants, headers. The variables come last,
/// and of them those that each hart has.
inline HostRange constant_range() {
    return range_between(__image_start, __tls_start);
}
inline HostRange code_range() {
    return range_between(__text_start, __text_end);
}
inline HostRange boot_stack() {
    return range_between(__stack_bottom, __stack_top);
}
inline HostRange boot_trap_stack() {
    return {{reinterpret_cast<std::uintptr_t>(__trap_stack_bottom)},
            static_cast<std::uint64_t>(__trap_stack_top - __trap_stack_bottom)};
}

/// Everything that is the hypervisor's own: image, stack and heap, which lie back to back.
inline HostRange hypervisor_range() {
    return range_between(__image_start, __heap_end);
}
inline HostRange heap_range() {
    return range_between(__heap, __heap_end);
}

}  // namespace cairn
