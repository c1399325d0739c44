// SPDX-License-Identifier: MIT
#include "kernel/bundle/image.hpp"

#include <rapidcheck.h>

#include <cstring>
#include <string>
#include <vector>

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t kibi = 1ull << 10;
constexpr std::uint64_t mebi = 1ull << 20;
constexpr GuestPhys ram_base{0x8000'0000};

class File {
  public:
    explicit File(std::size_t size) : bytes_(size) {}
    explicit File(std::string_view content) : bytes_(content.size()) { text(0, content); }
    template <class T>
    File& put(std::size_t at, T value) {
        std::memcpy(bytes_.data() + at, &value, sizeof value);
        return *this;
    }
    File& text(std::size_t at, std::string_view value) {
        if (!value.empty()) std::memcpy(bytes_.data() + at, value.data(), value.size());
        return *this;
    }
    File& resize(std::size_t size, char fill = '\0') {
        bytes_.resize(size, static_cast<std::byte>(fill));
        return *this;
    }
    File& cut(std::size_t size) { return resize(size); }
    std::span<const std::byte> bytes() const { return bytes_; }

  private:
    std::vector<std::byte> bytes_;
};

/// An Image without an EFI stub.
File plain_image(std::size_t size = 4096) {
    File file(size);
    file.put<std::uint64_t>(8, 2 * mebi).put<std::uint64_t>(16, 3 * mebi);
    return file.put<std::uint32_t>(32, 0x0000'0002).text(48, "RISCV").text(56, "RSC\x05");
}

/// An Image with an EFI stub, laid out as Debian's: two sections that end with the file.
File efi_image() {
    File file = plain_image(8192);
    file.text(0, "MZ").put<std::uint32_t>(0x3c, 64).text(64, std::string_view("PE\0\0", 4));
    file.put<std::uint16_t>(64 + 6, 2).put<std::uint16_t>(64 + 20, 160);
    const std::size_t rows = 64 + 24 + 160;
    file.put<std::uint32_t>(rows + 16, 3072).put<std::uint32_t>(rows + 20, 1024);
    return file.put<std::uint32_t>(rows + 40 + 16, 4096).put<std::uint32_t>(rows + 40 + 20, 4096);
}

std::string clause(const ImageError& error) {
    FixedBuffer<512> out;
    print(out, "{}", error);
    return std::string(out.view());
}

std::string clause(const File& file) {
    const auto image = parse_image(file.bytes());
    REQUIRE_FALSE(image);
    return clause(image.error());
}

TEST_CASE("an Image is read", "[image]") {
    CHECK(parse_image(plain_image().bytes()) == KernelImage{2 * mebi, 3 * mebi, 4096, 0, 2});
    CHECK(parse_image(efi_image().bytes()) == KernelImage{2 * mebi, 3 * mebi, 8192, 0, 2});
    // A header alone is enough; a size of 0 (old kernels) or below the file's means the file's.
    CHECK(parse_image(plain_image(64).bytes())->file_size == 64);
    CHECK(parse_image(plain_image().put<std::uint64_t>(16, 0).bytes())->memory_size == 4096);
    CHECK(parse_image(plain_image().put<std::uint64_t>(16, 9).bytes())->memory_size == 4096);
}

TEST_CASE("what is no Image is called by its name", "[image]") {
    CHECK(clause(File("")) == "is empty");
    CHECK(clause(File("\x1f\x8b\x08")) == "is gzip-compressed; decompress it first (gzip -d)");
    CHECK(clause(File("BZh91AY")) == "is bzip2-compressed; decompress it first (bzip2 -d)");
    CHECK(clause(File("\xfd"
                      "7zXZ")) == "is xz-compressed; decompress it first (xz -d)");
    CHECK(clause(File(std::string_view("\x5d\0\0\x80", 4))) ==
          "is lzma-compressed; decompress it first (xz -d)");
    CHECK(clause(File("\x28\xb5\x2f\xfd")) == "is zstd-compressed; decompress it first (zstd -d)");
    CHECK(clause(File("\x04\x22\x4d\x18")) == "is lz4-compressed; decompress it first (lz4 -d)");
    CHECK(clause(File("\x02\x21\x4c\x18")) == "is lz4-compressed; decompress it first (lz4 -d)");
    CHECK(clause(File("\x7f"
                      "ELF\x02\x01\x01")) ==
          "is an ELF file (a vmlinux?); give the RISC-V Linux Image, in a kernel tree "
          "arch/riscv/boot/Image, or a raw binary (objcopy -O binary)");
    CHECK(clause(efi_image().text(56, "ARMd")) ==
          "is an EFI program (or a kernel for another architecture), not a RISC-V Linux Image");
    CHECK(clause(File("\xd0\x0d\xfe\xed")) == "is a device tree, not a kernel");
    CHECK(clause(File("070701")) == "is a cpio archive (an initrd?), not a kernel");
    CHECK(clause(File("\x27\x05\x19\x56")) ==
          "is a U-Boot image (uImage); give the kernel in it (dumpimage takes it out)");
    CHECK(clause(File("hello")) == "is text, not a kernel");
    CHECK(clause(File("#!/bin/sh\n\techo 'Hello.'\r\n").resize(4096, ' ')) ==
          "is text, not a kernel");
    for (const std::size_t size : {60u, 63u}) {
        CHECK(clause(plain_image().cut(size)) ==
              "has only " + std::to_string(size) +
                  " bytes; the header of a RISC-V Linux Image alone has 64 bytes");
    }
    CHECK(clause(plain_image().cut(53)).starts_with("has only 53 bytes; the header of"));
}

TEST_CASE("what starts with an instruction is a raw binary", "[image]") {
    const auto raw = [](std::uint64_t size) {
        return KernelImage{raw_text_offset, size, size, 0, 0, KernelFormat::raw};
    };
    // The first bytes of Debian's u-boot.bin for S-mode: mv tp, a0; mv s1, a1.
    CHECK(parse_image(File(5000).put(0, 0x84ae'822au).bytes()) == raw(5000));
    CHECK(parse_image(File(4).put(0, 0x0000'0013u).bytes()) == raw(4));           // nop
    CHECK(parse_image(File(2).put<std::uint16_t>(0, 0xa001).bytes()) == raw(2));  // j .
    // Text that is not all text, and a magic number elsewhere, change nothing.
    CHECK(parse_image(File("text").resize(64).bytes()) == raw(64));
    CHECK(parse_image(File(64)
                          .put(0, 0x13u)
                          .text(4,
                                "\x7f"
                                "ELF")
                          .bytes()) == raw(64));
    CHECK(parse_image(plain_image().put(0, 0x13u).text(56, "RSC\x04").bytes()) == raw(4096));

    const std::string neither =
        "is neither a RISC-V Linux Image, for its header has no magic number RSC\\x05, nor a raw "
        "binary, for it does not start with an instruction";
    CHECK(clause(File(4096)) == neither);                              // all zeroes are illegal
    CHECK(clause(File(64).put(0, ~0u)) == neither);                    // as all ones are
    CHECK(clause(File(64).put<std::uint16_t>(0, 0x001f)) == neither);  // 48 bits, none ratified
    CHECK(clause(File(3).put<std::uint16_t>(0, 0x0013)) == neither);   // cut off
    CHECK(clause(File(1)) == neither);
}

TEST_CASE("a raw binary goes 2 MiB into RAM", "[image]") {
    const auto image = parse_image(File(5000).put(0, 0x13u).bytes());
    REQUIRE(image);
    const auto plan = plan_load(*image, 0, {ram_base, 8 * mebi}, 64 * kibi);
    REQUIRE(plan);
    CHECK(plan->kernel == GuestRange{GuestPhys{0x8020'0000}, 5000});
    CHECK(plan->format == KernelFormat::raw);
    const KernelImage large{raw_text_offset, 7 * mebi, 7 * mebi, 0, 0, KernelFormat::raw};
    CHECK(clause(plan_load(large, 0, {ram_base, 8 * mebi}, 64 * kibi).error()) ==
          "takes 7 MiB and does not fit the VM's memory of 8 MiB; write memory = 12M or more");
    // An initrd is out of the way of a boot loader that moves itself to the top, if it can be.
    const auto initrd_at = [&](const KernelImage& kernel, std::uint64_t size,
                               std::uint64_t memory) {
        return plan_load(kernel, size, {ram_base, memory}, 64 * kibi)->initrd.base - ram_base;
    };
    CHECK(initrd_at(*image, 5 * mebi, 64 * mebi) == 34 * mebi);
    CHECK(initrd_at(*image, 5 * mebi, 62 * mebi) == 32 * mebi);
    CHECK(initrd_at(*image, 5 * mebi, 1024 * mebi) == 130 * mebi);
    CHECK(initrd_at(*image, 31 * mebi, 64 * mebi) == 30 * mebi);
    CHECK(initrd_at(large, 1, 16 * mebi) == 10 * mebi);
    CHECK(initrd_at({raw_text_offset, 300 * mebi, 4, 0, 0, KernelFormat::raw}, 1, 512 * mebi) ==
          302 * mebi);
    CHECK(to_string(KernelFormat::raw) == "a raw binary");
    CHECK(to_string(KernelFormat::linux_image) == "a RISC-V Linux Image");
}

TEST_CASE("an Image that lost its end is noticed", "[image]") {
    CHECK(clause(efi_image().cut(8191)) ==
          "is truncated: it has 8191 bytes, and its section table needs 8192; copy it again");
    CHECK(clause(efi_image().cut(80)) ==
          "is truncated: it has 80 bytes, and its section table needs 88; copy it again");
    // Cut within the table: the rows that are left out are known to be missing.
    CHECK(clause(efi_image().cut(300)) ==
          "is truncated: it has 300 bytes, and its section table needs 4096; copy it again");
    // An MZ file that points to no PE header is taken at its Image header's word.
    CHECK(parse_image(efi_image().put<std::uint32_t>(0x3c, 256).bytes()));
    // Sections without data in the file (.bss) count for nothing.
    CHECK(parse_image(efi_image().put<std::uint32_t>(64 + 184 + 16, 0).bytes()));
}

TEST_CASE("an Image that cannot run is refused", "[image]") {
    CHECK(clause(plain_image().put<std::uint64_t>(24, 1)) ==
          "is a big-endian kernel; only little-endian ones can run");
    CHECK(clause(plain_image().put<std::uint64_t>(8, 0x200800)) ==
          "wants to be loaded at the offset 0x200800, which is no multiple of 4 KiB");
}

TEST_CASE("initrd and device tree go to the top", "[image]") {
    const KernelImage image{2 * mebi, 33 * mebi, 31 * mebi, 0, 2};
    const GuestRange ram{ram_base, 128 * mebi};
    CHECK(plan_load(image, 5 * mebi + 1, ram, 64 * kibi) ==
          LoadPlan{{ram_base + 2 * mebi, 33 * mebi},
                   {ram_base + 120 * mebi, 5 * mebi + 1},
                   {ram_base + 126 * mebi, 64 * kibi}});
    CHECK(plan_load(image, 0, ram, 64 * kibi)->initrd == GuestRange{});
    // The odd end of RAM stays unused.
    CHECK(plan_load(image, 0, {ram_base, 128 * mebi + 4096}, 64 * kibi)->fdt.base ==
          ram_base + 126 * mebi);
}

TEST_CASE("what does not fit says what would", "[image]") {
    const KernelImage image{2 * mebi, 33 * mebi, 31 * mebi, 0, 2};
    const auto plan = [&](std::uint64_t initrd, std::uint64_t memory) {
        return plan_load(image, initrd, {ram_base, memory}, 64 * kibi);
    };
    CHECK(clause(plan(0, 36 * mebi).error()) ==
          "takes 33 MiB and does not fit the VM's memory of 36 MiB; write memory = 38M or more");
    CHECK(plan(0, 38 * mebi));
    CHECK(clause(plan(40 * mebi + 512 * kibi, 64 * mebi).error()) ==
          "takes 40.5 MiB and does not fit the VM's memory of 64 MiB beside the kernel; write "
          "memory = 80M or more");
    CHECK(plan(40 * mebi + 512 * kibi, 80 * mebi));
    CHECK(clause(plan(~0ull, 64 * mebi).error()) ==
          "takes 17179869184 GiB and does not fit the VM's memory of 64 MiB");
    const auto huge = plan_load({~0xfffull, ~0ull, 64, 0, 2}, 0, {ram_base, 64 * mebi}, kibi);
    CHECK(huge.error().fault == ImageFault::kernel_too_large);
}

TEST_CASE("a plan never overlaps and never leaves RAM", "[image]") {
    const bool holds = rc::check("plan_load", [] {
        const auto size = rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 64 * mebi),
                                         rc::gen::arbitrary<std::uint64_t>());
        const auto format = *rc::gen::element(KernelFormat::linux_image, KernelFormat::raw);
        const KernelImage image{*size & ~0xfffull, *size, 64, 0, 2, format};
        const std::uint64_t initrd = *size;
        const std::uint64_t fdt = 1 + *rc::gen::inRange<std::uint64_t>(0, 4 * mebi);
        const GuestRange ram{ram_base, *rc::gen::inRange<std::uint64_t>(0, 256 * mebi)};
        const auto plan = plan_load(image, initrd, ram, fdt);
        if (!plan) {
            RC_ASSERT(plan.error().needed > ram.size - ram.size % (2 * mebi));
            return;
        }
        RC_ASSERT(plan->kernel == (GuestRange{ram.base + image.text_offset, image.memory_size}));
        RC_ASSERT(plan->fdt.size == fdt);
        RC_ASSERT(plan->initrd.size == initrd);
        RC_ASSERT(plan->fdt.base.value % (2 * mebi) == 0u);
        RC_ASSERT(plan->initrd.base.value % (2 * mebi) == 0u);
        RC_ASSERT(ram.contains(plan->kernel.base, plan->kernel.size));
        RC_ASSERT(ram.contains(plan->fdt.base, fdt));
        RC_ASSERT(!plan->kernel.overlaps(plan->fdt));
        if (initrd == 0) return;
        RC_ASSERT(ram.contains(plan->initrd.base, initrd));
        RC_ASSERT(!plan->initrd.overlaps(plan->fdt));
        RC_ASSERT(!plan->initrd.overlaps(plan->kernel));
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
