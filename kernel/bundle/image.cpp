// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/image.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>
#include <utility>

#include <cairn/bits.hpp>
#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>

namespace cairn {

namespace {

/// Offsets in the 64-byte header (boot-image-header.rst); all fields are little-endian.
namespace header {
constexpr std::size_t text_offset = 8;
constexpr std::size_t image_size = 16;
constexpr std::size_t flags = 24;
constexpr std::size_t version_minor = 32;
constexpr std::size_t version_major = 34;
constexpr std::size_t magic2 = 56;
constexpr std::size_t size = 64;
constexpr std::string_view magic2_value = "RSC\x05";
constexpr std::size_t magic = 48;  // deprecated, and still there
constexpr std::string_view magic_value = "RISCV";
constexpr std::uint64_t flag_big_endian = 1;
}  // namespace header

/// Offsets of the PE/COFF format ("PE Format", sections "MS-DOS Stub" to "Section Table"): an
/// Image with an EFI stub is a PE file too, and its section table knows how long the file is.
namespace pe {
constexpr std::string_view dos_magic = "MZ";
constexpr std::string_view signature = std::string_view("PE\0\0", 4);
constexpr std::size_t signature_offset = 0x3c;  // in the DOS header
constexpr std::size_t section_count = 6;        // from the signature, as the next two
constexpr std::size_t optional_header_size = 20;
constexpr std::size_t optional_header = 24;
constexpr std::size_t section_size = 40;  // of one row of the section table
constexpr std::size_t raw_size = 16;      // in a row
constexpr std::size_t raw_offset = 20;
}  // namespace pe

constexpr std::uint64_t boundary = 2ull << 20;  // PMD_SIZE: what Linux wants RAM parts to start on
constexpr std::uint64_t raw_initrd_gap = 128ull << 20;  // hw/riscv/boot.c, riscv_load_initrd
constexpr std::uint64_t page = 4096;

struct KnownFormat {
    std::string_view magic;
    ImageFault fault;
};
constexpr std::array known_formats{
    KnownFormat{"\x1f\x8b", ImageFault::gzip},
    KnownFormat{"BZh", ImageFault::bzip2},
    KnownFormat{"\xfd"
                "7zXZ",
                ImageFault::xz},
    KnownFormat{"\x28\xb5\x2f\xfd", ImageFault::zstd},
    KnownFormat{"\x04\x22\x4d\x18", ImageFault::lz4},
    KnownFormat{"\x02\x21\x4c\x18", ImageFault::lz4},
    KnownFormat{std::string_view("\x5d\0\0", 3), ImageFault::lzma},
    KnownFormat{"\x7f"
                "ELF",
                ImageFault::elf},
    KnownFormat{"\xd0\x0d\xfe\xed", ImageFault::device_tree},
    KnownFormat{"07070", ImageFault::cpio_archive},
    KnownFormat{"\x27\x05\x19\x56", ImageFault::u_boot_image},
    KnownFormat{pe::dos_magic, ImageFault::efi_program},
};

bool has_at(std::span<const std::byte> file, std::uint64_t offset, std::string_view text) {
    if (offset > file.size() || text.size() > file.size() - offset) return false;
    return std::ranges::equal(file.subspan(offset, text.size()), text,
                              [](std::byte a, char b) { return static_cast<char>(a) == b; });
}

/// The little-endian T at `offset`, or nothing where the file is too short.
template <std::unsigned_integral T>
std::optional<T> read(std::span<const std::byte> file, std::uint64_t offset) {
    if (offset > file.size() || sizeof(T) > file.size() - offset) return std::nullopt;
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) {
        value = static_cast<T>(value << 8 | std::to_integer<T>(file[offset + i]));
    }
    return value;
}

std::unexpected<ImageError> fail(ImageFault fault, std::uint64_t size, std::uint64_t needed = 0,
                                 std::uint64_t memory = 0) {
    return std::unexpected(ImageError{fault, size, needed, memory});
}

/// The first bytes are all printable: a script, or a file of notes.
bool is_text(std::span<const std::byte> file) {
    return std::ranges::all_of(file.first(std::min(file.size(), header::size)), [](std::byte byte) {
        const char c = static_cast<char>(byte);
        return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' || c == '\r';
    });
}

/// A whole instruction of 16 or 32 bits is at the start. Unprivileged ISA, "Base Instruction-Length
/// Encoding": the low bits tell the length; longer ones are reserved, all zeroes and all ones are
/// illegal for ever.
bool starts_with_instruction(std::span<const std::byte> file) {
    const std::uint32_t half = read<std::uint16_t>(file, 0).value_or(0);
    if ((half & 3) != 3) return half != 0;
    return file.size() >= 4 && (half & 0x1c) != 0x1c;
}

/// Why a file without the magic number is no kernel; nothing for a raw binary.
std::optional<ImageFault> refuse(std::span<const std::byte> file) {
    for (const KnownFormat& format : known_formats) {
        if (has_at(file, 0, format.magic)) return format.fault;
    }
    const bool cut = file.size() < header::size;
    if (cut && has_at(file, header::magic, header::magic_value)) return ImageFault::short_header;
    if (is_text(file)) return ImageFault::text;
    if (!starts_with_instruction(file)) return ImageFault::no_instruction;
    return std::nullopt;
}

/// The bytes that the file must have by its PE section table, cut off as it may be; 0 where it is
/// no PE file.
std::uint64_t size_by_sections(std::span<const std::byte> file) {
    if (!has_at(file, 0, pe::dos_magic)) return 0;
    const std::uint64_t start = read<std::uint32_t>(file, pe::signature_offset).value_or(0);
    if (start >= header::size && start + pe::optional_header > file.size()) {
        return start + pe::optional_header;
    }
    if (!has_at(file, start, pe::signature)) return 0;
    const std::uint64_t count = read<std::uint16_t>(file, start + pe::section_count).value_or(0);
    const std::uint64_t table =
        start + pe::optional_header +
        read<std::uint16_t>(file, start + pe::optional_header_size).value_or(0);
    std::uint64_t end = table + count * pe::section_size;
    for (std::uint64_t row = table; row < table + count * pe::section_size;
         row += pe::section_size) {
        const auto size = read<std::uint32_t>(file, row + pe::raw_size);
        const auto offset = read<std::uint32_t>(file, row + pe::raw_offset);
        if (!size || !offset) break;
        if (*size != 0) end = std::max(end, std::uint64_t{*offset} + *size);
    }
    return end;
}

/// `size` in whole 2 MiB pieces; more than any RAM where it overflows.
std::uint64_t pieces(std::uint64_t size) {
    return align_up(size, boundary).value_or(align_down(~std::uint64_t{0}, boundary));
}

/// `a + b`, or all ones where it overflows.
std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    return checked_add(a, b).value_or(~0ull);
}

/// Where an initrd goes that fits. Boot loaders move themselves to the top of RAM, so beside a raw
/// binary it lies where QEMU puts it: half of RAM above the kernel, or 128 MiB.
GuestPhys initrd_base(const KernelImage& image, const LoadPlan& plan, std::uint64_t size,
                      GuestRange ram) {
    const GuestPhys highest = plan.fdt.base - pieces(size);
    if (image.format != KernelFormat::raw) return highest;
    const std::uint64_t above = std::min(align_down(ram.size / 2, boundary), raw_initrd_gap);
    const GuestPhys lowest = ram.base + pieces(plan.kernel.end() - ram.base);
    return std::min(std::max(ram.base + raw_text_offset + above, lowest), highest);
}

std::string_view describe_format(ImageFault fault) {
    switch (fault) {
        case ImageFault::gzip: return "is gzip-compressed; decompress it first (gzip -d)";
        case ImageFault::bzip2: return "is bzip2-compressed; decompress it first (bzip2 -d)";
        case ImageFault::xz: return "is xz-compressed; decompress it first (xz -d)";
        case ImageFault::lzma: return "is lzma-compressed; decompress it first (xz -d)";
        case ImageFault::zstd: return "is zstd-compressed; decompress it first (zstd -d)";
        case ImageFault::lz4: return "is lz4-compressed; decompress it first (lz4 -d)";
        case ImageFault::elf:
            return "is an ELF file (a vmlinux?); give the RISC-V Linux Image, in a kernel tree "
                   "arch/riscv/boot/Image, or a raw binary (objcopy -O binary)";
        case ImageFault::efi_program:
            return "is an EFI program (or a kernel for another architecture), not a RISC-V Linux "
                   "Image";
        case ImageFault::device_tree: return "is a device tree, not a kernel";
        case ImageFault::cpio_archive: return "is a cpio archive (an initrd?), not a kernel";
        case ImageFault::u_boot_image:
            return "is a U-Boot image (uImage); give the kernel in it (dumpimage takes it out)";
        case ImageFault::text: return "is text, not a kernel";
        default:
            return "is neither a RISC-V Linux Image, for its header has no magic number RSC\\x05, "
                   "nor a raw binary, for it does not start with an instruction";
    }
}

std::expected<KernelImage, ImageError> parse_linux_image(std::span<const std::byte> file) {
    if (file.size() < header::size) {
        return fail(ImageFault::short_header, file.size(), header::size);
    }
    const std::uint64_t sections_end = size_by_sections(file);
    if (sections_end > file.size()) {
        return fail(ImageFault::truncated, file.size(), sections_end);
    }
    // The file has the whole header, so that the reads below find their fields.
    if ((read<std::uint64_t>(file, header::flags).value_or(0) & header::flag_big_endian) != 0) {
        return fail(ImageFault::big_endian, file.size());
    }
    const KernelImage image{
        .text_offset = read<std::uint64_t>(file, header::text_offset).value_or(0),
        .memory_size = std::max<std::uint64_t>(
            read<std::uint64_t>(file, header::image_size).value_or(0), file.size()),
        .file_size = file.size(),
        .version_major = read<std::uint16_t>(file, header::version_major).value_or(0),
        .version_minor = read<std::uint16_t>(file, header::version_minor).value_or(0),
    };
    if (!is_aligned(image.text_offset, page)) {
        return fail(ImageFault::unaligned_offset, image.text_offset);
    }
    return image;
}

}  // namespace

std::string_view to_string(KernelFormat format) {
    switch (format) {
        case KernelFormat::linux_image: return "a RISC-V Linux Image";
        case KernelFormat::raw: return "a raw binary";
    }
    std::unreachable();
}

std::expected<KernelImage, ImageError> parse_image(std::span<const std::byte> file) {
    if (file.empty()) return fail(ImageFault::empty, 0);
    if (has_at(file, header::magic2, header::magic2_value)) return parse_linux_image(file);
    if (const auto fault = refuse(file)) return fail(*fault, file.size(), header::size);
    KernelImage image{
        .text_offset = raw_text_offset, .memory_size = file.size(), .file_size = file.size()};
    image.format = KernelFormat::raw;
    return image;
}

std::expected<LoadPlan, ImageError> plan_load(const KernelImage& image, std::uint64_t initrd_size,
                                              GuestRange ram, std::uint64_t fdt_size) {
    const std::uint64_t memory = align_down(ram.size, boundary);
    const std::uint64_t kernel_end = saturating_add(image.text_offset, image.memory_size);
    const std::uint64_t without_initrd = saturating_add(pieces(kernel_end), pieces(fdt_size));
    if (without_initrd > memory) {
        return fail(ImageFault::kernel_too_large, image.memory_size, without_initrd, ram.size);
    }
    const std::uint64_t needed = saturating_add(without_initrd, pieces(initrd_size));
    if (needed > memory) {
        return fail(ImageFault::initrd_too_large, initrd_size, needed, ram.size);
    }
    LoadPlan plan;
    plan.format = image.format;
    plan.kernel = {ram.base + image.text_offset, image.memory_size};
    plan.fdt = {ram.base + (memory - pieces(fdt_size)), fdt_size};
    if (initrd_size != 0) {
        plan.initrd = {initrd_base(image, plan, initrd_size, ram), initrd_size};
    }
    return plan;
}

void format_value(Writer& out, const ImageError& error) {
    const ByteSize size{error.size};
    switch (error.fault) {
        case ImageFault::empty: return out.write("is empty");
        case ImageFault::short_header:
            return print(out, "has only {}; the header of a RISC-V Linux Image alone has {}", size,
                         ByteSize{error.needed});
        case ImageFault::truncated:
            return print(out,
                         "is truncated: it has {} bytes, and its section table needs {}; copy it "
                         "again",
                         error.size, error.needed);
        case ImageFault::big_endian:
            return out.write("is a big-endian kernel; only little-endian ones can run");
        case ImageFault::unaligned_offset:
            return print(out, "wants to be loaded at the offset {:#x}, which is no multiple of {}",
                         error.size, ByteSize{page});
        case ImageFault::kernel_too_large:
        case ImageFault::initrd_too_large: break;
        default: return out.write(describe_format(error.fault));
    }
    print(out, "takes {} and does not fit the VM's memory of {}", size, ByteSize{error.memory});
    // A header can ask for any 64-bit size: only a sensible advice is given.
    if (error.needed <= 1ull << 40) {
        const bool kernel = error.fault == ImageFault::kernel_too_large;
        print(out, "{}; write memory = {}M or more", kernel ? "" : " beside the kernel",
              error.needed >> 20);
    }
}

}  // namespace cairn
