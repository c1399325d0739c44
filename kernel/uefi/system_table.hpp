// SPDX-License-Identifier: MIT
// The tables through which firmware is called (UEFI Specification 2.10): chapter 4,
// EFI_SYSTEM_TABLE and EFI_BOOT_SERVICES, section 12.4, EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL. Only what
// Cairn calls has a type; everything else holds its place. Facts only; who calls is
// kernel/uefi/firmware.hpp.
//
// The calling convention is the psABI's own (section 2.3.7, RISC-V), so that the entries are
// ordinary function pointers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/uefi/guid.hpp"
#include "kernel/uefi/memory_type.hpp"
#include "kernel/uefi/status.hpp"

namespace cairn::uefi {

using Handle = void*;
using Unused = void (*)();

struct TableHeader {
    std::uint64_t signature;
    std::uint32_t revision;
    std::uint32_t header_size;
    std::uint32_t crc32;
    std::uint32_t reserved;
};

/// Section 10.2: a device is named by a list of nodes, each with its own length.
struct DevicePath {
    std::uint8_t type;
    std::uint8_t sub_type;
    std::array<std::uint8_t, 2> length;
};
inline constexpr std::uint8_t device_path_end = 0x7f;         ///< type
inline constexpr std::uint8_t device_path_end_entire = 0xff;  ///< sub_type

struct TextOutputMode {
    std::int32_t max_mode;
    std::int32_t mode;
    std::int32_t attribute;
    std::int32_t cursor_column;
    std::int32_t cursor_row;
    bool cursor_visible;
};

struct TextOutput {
    Unused reset;
    Status (*output_string)(TextOutput* self, const char16_t* text);
    Unused modes_and_cursor[7];
    const TextOutputMode* mode;
};
static_assert(offsetof(TextOutput, mode) == 72);

struct BootServices {
    TableHeader header;
    Unused task_priority[2];
    Status (*allocate_pages)(AllocateType how, MemoryType type, std::size_t pages,
                             std::uint64_t* address);
    Status (*free_pages)(std::uint64_t address, std::size_t pages);
    Status (*get_memory_map)(std::size_t* size, MemoryDescriptor* map, std::size_t* key,
                             std::size_t* descriptor_size, std::uint32_t* descriptor_version);
    Status (*allocate_pool)(MemoryType type, std::size_t size, void** buffer);
    Status (*free_pool)(void* buffer);
    Unused events_and_protocol_installation[9];
    Status (*handle_protocol)(Handle handle, const Guid* protocol, void** interface);
    Unused reserved_notify_locate[3];
    Status (*locate_device_path)(const Guid* protocol, const DevicePath** path, Handle* handle);
    Unused configuration_table_and_images[5];
    Status (*exit_boot_services)(Handle image, std::size_t map_key);
    Unused miscellaneous_and_controllers[10];
    Status (*locate_protocol)(const Guid* protocol, void* registration, void** interface);
};
static_assert(offsetof(BootServices, allocate_pages) == 40);
static_assert(offsetof(BootServices, free_pool) == 72);
static_assert(offsetof(BootServices, handle_protocol) == 152);
static_assert(offsetof(BootServices, locate_device_path) == 184);
static_assert(offsetof(BootServices, exit_boot_services) == 232);
static_assert(offsetof(BootServices, locate_protocol) == 320);

/// Section 4.6.
struct ConfigurationTable {
    Guid guid;
    const void* table;
};

/// Section 4.6: EFI_DTB_TABLE_GUID, a flattened device tree.
inline constexpr Guid device_tree_table{
    0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};

struct SystemTable {
    TableHeader header;
    const char16_t* firmware_vendor;
    std::uint32_t firmware_revision;
    Handle console_in_handle;
    void* console_in;
    Handle console_out_handle;
    TextOutput* console_out;
    Handle standard_error_handle;
    TextOutput* standard_error;
    void* runtime_services;
    const BootServices* boot_services;
    std::size_t table_count;
    const ConfigurationTable* tables;
};
static_assert(offsetof(SystemTable, console_out) == 64);
static_assert(offsetof(SystemTable, boot_services) == 96);
static_assert(offsetof(SystemTable, tables) == 112);

}  // namespace cairn::uefi
