// SPDX-License-Identifier: MIT
// The linker script's symbols (hypervisor.ld) as ranges.
#pragma once

#include "kernel/arch/address.hpp"

extern "C" {
extern char __image_start[], __image_end[];   // NOLINT(bugprone-reserved-identifier)
extern char __bss_start[], __bss_end[];       // NOLINT(bugprone-reserved-identifier)
extern char __stack_bottom[], __stack_top[];  // NOLINT(bugprone-reserved-identifier)
extern char __tls_start[], __tls_end[];       // NOLINT(bugprone-reserved-identifier)
extern char __heap[], __heap_end[];           // NOLINT(bugprone-reserved-identifier)
}

namespace cairn {

inline HostRange range_between(const char* first, const char* last) {
    return {{reinterpret_cast<std::uintptr_t>(first)}, static_cast<std::uint64_t>(last - first)};
}

/// Everything that is the hypervisor's own: image, stack and heap, which lie back to back.
inline HostRange hypervisor_range() {
    return range_between(__image_start, __heap_end);
}
inline HostRange heap_range() {
    return range_between(__heap, __heap_end);
}

}  // namespace cairn
