// SPDX-License-Identifier: MIT
// Who may do what with which address: what the hypervisor's own page table says, before it is
// one. Every address is mapped to itself, or not at all. What comes later in this list wins:
//
//     rw-   RAM, but for what the machine reserves; image, stacks and heap
//     rw-   registers of the devices in use
//     r--   the device tree, the VM archive
//     r--   the image's headers and constants
//     r-x   the image's code
//     ---   page 0
//
// Nothing is both writable and executable. Everything else, the firmware's memory for one, is not
// mapped. Guard pages are taken out of the finished table (kernel/host/memory/protection.hpp).
// Pure.
#pragma once

#include <expected>
#include <span>

#include "kernel/arch/address.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/host/memory/page_table.hpp"
#include "kernel/host/memory/range_list.hpp"

namespace cairn {

/// What there is, in whole pages or not: each range counts as the pages that it touches, but of RAM
/// a range counts as the pages that lie in it whole.
struct AddressSpaceParts {
    std::span<const HostRange> memory;
    std::span<const HostRange> reserved;
    std::span<const HostRange> own;        ///< image, stacks and heap
    std::span<const HostRange> devices;    ///< registers
    std::span<const HostRange> read_only;  ///< device tree and archive
    HostRange constants;                   ///< the image up to its first variable
    HostRange code;                        ///< of them
};

/// Disjoint, in whole pages.
struct AddressSpace {
    RangeList writable;  ///< and readable
    RangeList readable;
    RangeList executable;  ///< and readable

    /// The first address above everything.
    [[nodiscard]] HostPhys end() const;
};

/// Fails where RAM wraps, or there are more separate ranges than a RangeList holds.
[[nodiscard]] std::expected<AddressSpace, MemoryMapError> plan_address_space(
    const AddressSpaceParts& parts);

/// Maps everything in `space` to itself in `table`, which is empty.
[[nodiscard]] std::expected<void, PageTableError> map_address_space(PageTable& table,
                                                                    const AddressSpace& space);

}  // namespace cairn
