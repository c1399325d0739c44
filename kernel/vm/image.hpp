// SPDX-License-Identifier: MIT
// A RISC-V Linux `Image`, and where it goes in a guest's RAM. Documentation/arch/riscv/
// boot-image-header.rst (the header) and boot.rst (what must be where) of the Linux kernel. The
// file is input: any bytes give an image or a sentence.
//
//     ram.base                                                                   ram.end()
//     │        ┌──────────────┬───────┐                        ┌────────┐┌───────┐│
//     │        │ kernel file  │ bss   │                        │ initrd ││ fdt   ││
//     │        └──────────────┴───────┘                        └────────┘└───────┘│
//     ├────────┤ text_offset  image_size                       each starts on 2 MiB
//
// Initrd and device tree go to the top, so that the kernel's early allocations above its bss never
// meet them. No allocation, no locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "lib/writer.hpp"

namespace cairn {

struct LinuxImage {
    std::uint64_t text_offset = 0;  ///< of the load address from a 2 MiB boundary (RAM's base)
    std::uint64_t memory_size = 0;  ///< bytes it takes in memory, bss included
    std::uint64_t file_size = 0;    ///< bytes to copy
    std::uint16_t version_major = 0;
    std::uint16_t version_minor = 0;
    constexpr bool operator==(const LinuxImage&) const = default;
};

/// Where everything of a guest goes; `initrd.size` is 0 where there is none.
struct LoadPlan {
    GuestRange kernel;  ///< from the entry point to the end of bss
    GuestRange initrd;
    GuestRange fdt;  ///< the room for the device tree
    constexpr bool operator==(const LoadPlan&) const = default;
};

enum class ImageFault : std::uint8_t {
    empty,
    not_an_image,  ///< nothing that is recognised either
    gzip,          ///< ... to lz4: a compressed file
    bzip2,
    xz,
    lzma,
    zstd,
    lz4,
    elf,
    efi_program,  ///< PE without the RISC-V header
    device_tree,
    cpio_archive,
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

/// Reads the header of an `Image`.
[[nodiscard]] std::expected<LinuxImage, ImageError> parse_image(std::span<const std::byte> file);

/// Places kernel, initrd and a device tree of up to `fdt_size` bytes in `ram` without overlap.
/// `ram.base` lies on a 2 MiB boundary.
[[nodiscard]] std::expected<LoadPlan, ImageError> plan_load(const LinuxImage& image,
                                                            std::uint64_t initrd_size,
                                                            GuestRange ram, std::uint64_t fdt_size);

/// What is wrong with the kernel's file (with the initrd's for initrd_too_large), as a clause that
/// follows its name: `is gzip-compressed; decompress it first`.
void format_value(Writer& out, const ImageError& error);

}  // namespace cairn
