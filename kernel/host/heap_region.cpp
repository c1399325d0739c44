// SPDX-License-Identifier: MIT
// The region source of the kernel: what hypervisor.ld reserves between __heap and __heap_end, or
// the start of it where the boot options ask for less.
#include "kernel/host/image_layout.hpp"
#include "kernel/host/memory_map.hpp"
#include "kernel/host/this_machine.hpp"
#include "lib/bits.hpp"
#include "lib/heap/region.hpp"

namespace cairn {

std::expected<Region, RegionError> platform_init_heap() {
    const auto reserved = static_cast<std::uint64_t>(__heap_end - __heap);
    const std::uint64_t wanted = boot_options().heap_size.value_or(reserved);
    if (wanted > reserved) return std::unexpected(RegionError::refused);
    const std::uint64_t size = align_down(wanted, std::uint64_t{frame_size});
    if (size == 0) return std::unexpected(RegionError::empty);
    return Region{.base = reinterpret_cast<std::byte*>(__heap), .size = size};
}

}  // namespace cairn
