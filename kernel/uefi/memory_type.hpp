// SPDX-License-Identifier: MIT
// How UEFI firmware speaks of memory (UEFI Specification 2.10): section 7.2.1, EFI_MEMORY_TYPE and
// EFI_ALLOCATE_TYPE; section 7.2.3, EFI_MEMORY_DESCRIPTOR. Facts only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::uefi {

inline constexpr std::uint64_t page_size = 4096;  ///< on every architecture (section 7.2.1)

enum class MemoryType : std::uint32_t {
    reserved = 0,
    loader_code = 1,            ///< the image of an application: ours
    loader_data = 2,            ///< what an application allocates
    boot_services_code = 3,     ///< free once Boot Services have ended
    boot_services_data = 4,     ///< the same
    runtime_services_code = 5,  ///< the firmware's for ever
    runtime_services_data = 6,  ///< the firmware's for ever
    conventional = 7,           ///< free
    unusable = 8,
    acpi_reclaim = 9,  ///< free for who has read the tables in it; device trees lie here too
    acpi_nvs = 10,
    memory_mapped_io = 11,
    memory_mapped_io_ports = 12,
    pal_code = 13,
    persistent = 14,
    unaccepted = 15,
};

enum class AllocateType : std::uint32_t { any_pages = 0, max_address = 1, address = 2 };

// Attributes.
inline constexpr std::uint64_t memory_write_back = 0x8;         ///< EFI_MEMORY_WB: it is RAM
inline constexpr std::uint64_t memory_specific_use = 0x4'0000;  ///< EFI_MEMORY_SP: kept for drivers
inline constexpr std::uint64_t memory_runtime = std::uint64_t{1} << 63;  ///< EFI_MEMORY_RUNTIME

struct MemoryDescriptor {
    MemoryType type;
    std::uint32_t padding;
    std::uint64_t physical_start;
    std::uint64_t virtual_start;
    std::uint64_t number_of_pages;
    std::uint64_t attribute;
};
static_assert(sizeof(MemoryDescriptor) == 40);
static_assert(offsetof(MemoryDescriptor, physical_start) == 8);

}  // namespace cairn::uefi
