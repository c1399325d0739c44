// SPDX-License-Identifier: MIT
// The region source of the kernel: what hypervisor.ld reserves between __heap and __heap_end.
#include "kernel/host/image_layout.hpp"
#include "lib/region.hpp"

namespace cairn {

std::expected<Region, RegionError> platform_init_heap() {
    const auto size = static_cast<std::size_t>(__heap_end - __heap);
    if (size == 0) return std::unexpected(RegionError::empty);
    return Region{.base = reinterpret_cast<std::byte*>(__heap), .size = size};
}

}  // namespace cairn
