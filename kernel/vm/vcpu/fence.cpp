// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/fence.hpp"

#include <cairn/bits.hpp>
#include "kernel/arch/guest/hart_operations.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t most_pages = 16;
constexpr std::uint64_t most_address_spaces = 1u << 16;  // ASIDLEN is 16 at most

void fence_pages(const Fence& fence) {
    const std::uint64_t end = fence.start + fence.pages * page_size;
    if (fence.address_space == Fence::every_address_space) {
        for (std::uint64_t page = fence.start; page != end; page += page_size)
            hfence_vvma_page(page);
    } else {
        for (std::uint64_t page = fence.start; page != end; page += page_size)
            hfence_vvma_page(page, fence.address_space);
    }
}

void fence_all_pages(std::uint64_t address_space) {
    if (address_space == Fence::every_address_space) {
        hfence_vvma_all();
    } else {
        hfence_vvma_address_space(address_space);
    }
}

}  // namespace

Fence fence_of_translations(std::uint64_t start, std::uint64_t size, std::uint64_t address_space) {
    Fence fence{.kind = Fence::Kind::translations};
    if (address_space < most_address_spaces) fence.address_space = address_space;
    if (size == 0 || size > most_pages * page_size) return fence;
    const auto last = checked_add(start, size - 1);
    if (!last) return fence;
    const std::uint64_t first_page = start / page_size;
    const std::uint64_t pages = *last / page_size - first_page + 1;
    if (pages > most_pages) return fence;
    fence.start = first_page * page_size;
    fence.pages = static_cast<std::uint32_t>(pages);
    return fence;
}

void carry_out(const Fence& fence) {
    if (fence.kind == Fence::Kind::instructions) return fence_i();
    if (fence.pages == 0) return fence_all_pages(fence.address_space);
    fence_pages(fence);
}

}  // namespace cairn
