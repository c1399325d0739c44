// SPDX-License-Identifier: MIT
// A guest's kernel file, and where it goes in the guest's RAM. The file is input: any bytes give an
// image or a sentence. By its bytes alone, never by its name, it is
//
//   a RISC-V Linux `Image`   the magic number RSC\x05 at 0x38: Documentation/arch/riscv/
//                            boot-image-header.rst (the header), boot.rst (what must be where)
//   a format known by name   ELF, gzip, ...: refused
//   a raw binary             anything else that is no text and starts with an instruction, as
//                            U-Boot's u-boot.bin: started at its first byte
//
//     ram.base                                                                   ram.end()
//     │        ┌──────────────┬───────┐                        ┌────────┐┌───────┐│
//     │        │ kernel file  │ bss   │                        │ initrd ││ fdt   ││
//     │        └──────────────┴───────┘                        └────────┘└───────┘│
//     ├────────┤ text_offset  image_size                       each starts on 2 MiB
//
// Initrd and device tree go to the top, so that the kernel's early allocations above its bss never
// meet them. Beside a raw binary the initrd lies lower: a boot loader moves itself to the top.
// No allocation, no locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/writer.hpp>
#include "kernel/arch/address.hpp"

namespace cairn {

enum class KernelFormat : std::uint8_t { linux_image, raw };

[[nodiscard]] std::string_view to_string(KernelFormat format);

/// Where a raw binary goes, from RAM's base: on `virt`, whose RAM this is, that is where OpenSBI
/// jumps to, and so what such binaries are linked for.
inline constexpr std::uint64_t raw_text_offset = 2ull << 20;

struct KernelImage {
    std::uint64_t text_offset = 0;    ///< of the load address from a 2 MiB boundary (RAM's base)
    std::uint64_t memory_size = 0;    ///< bytes it takes in memory, bss included where it is known
    std::uint64_t file_size = 0;      ///< bytes to copy
    std::uint16_t version_major = 0;  ///< of the Image header
    std::uint16_t version_minor = 0;
    KernelFormat format = KernelFormat::linux_image;
    constexpr bool operator==(const KernelImage&) const = default;
};

/// Where everything of a guest goes; `initrd.size` is 0 where there is none.
struct LoadPlan {
    GuestRange kernel;  ///< from the entry point to the end of bss (a raw binary's: of the file)
    GuestRange initrd;
    GuestRange fdt;  ///< the room for the device tree
    KernelFormat format = KernelFormat::linux_image;
    constexpr bool operator==(const LoadPlan&) const = default;
};

enum class ImageFault : std::uint8_t {
    empty,
    no_instruction,  ///< nothing that is recognised, and no raw binary either
    text,
    gzip,  ///< ... to lz4: a compressed file
    bzip2,
    xz,
    lzma,
    zstd,
    lz4,
    elf,
    efi_program,  ///< PE without the RISC-V header
    device_tree,
    cpio_archive,
    u_boot_image,  ///< "legacy" uImage
    short_header,  ///< ends within the 64-byte header
    truncated,     ///< ends before its own PE section table says
    big_endian,
    unaligned_offset,  ///< text_offset is no multiple of 4 KiB
    kernel_too_large,  ///< kernel and device tree do not fit the guest's memory
    initrd_too_large,  ///< with this initrd they do not
};

struct ImageError {
    ImageFault fault{};
    std::uint64_t size = 0;    ///< the file's, or the kernel's or initrd's in memory
    std::uint64_t needed = 0;  ///< bytes the file or the guest's memory would need at least
    std::uint64_t memory = 0;  ///< bytes of the guest's memory
    constexpr bool operator==(const ImageError&) const = default;
};

/// Recognises the kernel's format, and reads the header that it has.
[[nodiscard]] std::expected<KernelImage, ImageError> parse_image(std::span<const std::byte> file);

/// Places kernel, initrd and a device tree of up to `fdt_size` bytes in `ram` without overlap.
/// `ram.base` lies on a 2 MiB boundary.
[[nodiscard]] std::expected<LoadPlan, ImageError> plan_load(const KernelImage& image,
                                                            std::uint64_t initrd_size,
                                                            GuestRange ram, std::uint64_t fdt_size);

/// What is wrong with the kernel's file (with the initrd's for initrd_too_large), as a clause that
/// follows its name: `is gzip-compressed; decompress it first`.
void format_value(Writer& out, const ImageError& error);

}  // namespace cairn
