// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
// The region source of the kernel: what the door has, hypervisor.ld's __heap to __heap_end or what
// UEFI's AllocatePages gave, or the start of it where the boot options ask for less.
#include <cairn/bits.hpp>
#include <cairn/region.hpp>
#include "kernel/host/boot/door.hpp"
#include "kernel/host/boot/this_machine.hpp"
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {

std::expected<Region, RegionError> platform_init_heap() {
    const auto [base, reserved] = door().heap;
    const std::uint64_t wanted = boot_options().heap_size.value_or(reserved);
    const std::uint64_t size = align_down(wanted, std::uint64_t{frame_size});
    if (size > reserved) return std::unexpected(RegionError::refused);
    if (size == 0) return std::unexpected(RegionError::empty);
    return Region{.base = reinterpret_cast<std::byte*>(base.value), .size = size};
}

}  // namespace cairn
