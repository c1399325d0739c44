// SPDX-License-Identifier: MIT
// The protocols that Cairn uses, each with its GUID. Facts only.
//
//   UEFI Specification 2.10   section 9.1, EFI_LOADED_IMAGE_PROTOCOL; 13.3,
//   EFI_LOAD_FILE2_PROTOCOL;
//                             13.4, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL; 13.5, EFI_FILE_PROTOCOL
//   RISC-V UEFI Protocol Specification 1.0, RISCV_EFI_BOOT_PROTOCOL
//   Linux Documentation/arch/x86/boot.rst and drivers/firmware/efi/libstub: LINUX_EFI_INITRD_MEDIA
#pragma once

#include "kernel/uefi/system_table.hpp"

namespace cairn::uefi {

struct LoadedImage {
    static constexpr Guid guid{
        0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

    std::uint32_t revision;
    Handle parent;
    SystemTable* system_table;
    Handle device;  ///< where the image came from
    const DevicePath* file_path;
    void* reserved;
    std::uint32_t load_options_size;  ///< bytes
    const void* load_options;
    void* image_base;
    std::uint64_t image_size;
};
static_assert(offsetof(LoadedImage, device) == 24);
static_assert(offsetof(LoadedImage, load_options) == 56);

struct File {
    static constexpr std::uint64_t mode_read = 1;
    static constexpr std::uint64_t end = ~std::uint64_t{0};  ///< a position

    std::uint64_t revision;
    Status (*open)(File* self, File** opened, const char16_t* name, std::uint64_t mode,
                   std::uint64_t attributes);
    Status (*close)(File* self);
    Unused remove;
    Status (*read)(File* self, std::size_t* size, void* buffer);
    Unused write;
    Status (*get_position)(File* self, std::uint64_t* position);
    Status (*set_position)(File* self, std::uint64_t position);
};
static_assert(offsetof(File, set_position) == 56);

struct SimpleFileSystem {
    static constexpr Guid guid{
        0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

    std::uint64_t revision;
    Status (*open_volume)(SimpleFileSystem* self, File** root);
};

struct LoadFile2 {
    static constexpr Guid guid{
        0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};

    /// With no buffer or a short one it fails with buffer_too_small, and says how large.
    Status (*load_file)(LoadFile2* self, const DevicePath* path, bool boot_policy,
                        std::size_t* size, void* buffer);
};

/// A device path of one node, by which a boot loader offers an initial RAM disk.
struct InitrdMedia {
    DevicePath vendor{.type = 4, .sub_type = 3, .length = {20, 0}};  // media, vendor-defined
    Guid name{0x5568e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}};
    DevicePath end{.type = device_path_end, .sub_type = device_path_end_entire, .length = {4, 0}};
};
static_assert(sizeof(InitrdMedia) == 24 && offsetof(InitrdMedia, end) == 20);

struct RiscvBoot {
    static constexpr Guid guid{
        0xccd15fec, 0x6f73, 0x4eec, {0x83, 0x95, 0x3e, 0x69, 0xe4, 0xb9, 0x40, 0xbf}};

    std::uint64_t revision;
    Status (*get_boot_hart_id)(RiscvBoot* self, std::uint64_t* hart);
};

}  // namespace cairn::uefi
