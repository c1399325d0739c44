// SPDX-License-Identifier: MIT
// Any bytes are a kernel or a sentence; a kernel has a plan that fits RAM, or a sentence.
#include <cstring>
#include <vector>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/bundle/image.hpp"

namespace {

using namespace cairn;

void check_sentence(const ImageError& error) {
    FixedBuffer<512> out;
    print(out, "{}", error);
    require(!out.view().empty() && !out.truncated(), "an error has a sentence");
}

void check_plan(const KernelImage& image, std::uint64_t initrd_size) {
    const GuestRange ram{{0x8000'0000}, 64 << 20};
    const auto plan = plan_load(image, initrd_size, ram, 64 << 10);
    if (!plan) return check_sentence(plan.error());
    require(plan->kernel.size >= image.file_size, "the file fits the kernel's room");
    for (const GuestRange& part : {plan->kernel, plan->fdt}) {
        require(ram.contains(part.base, part.size), "parts lie in RAM");
    }
    require(!plan->kernel.overlaps(plan->fdt), "parts do not overlap");
    if (initrd_size == 0) return;
    require(ram.contains(plan->initrd.base, plan->initrd.size), "the initrd lies in RAM");
    require(!plan->initrd.overlaps(plan->fdt) && !plan->initrd.overlaps(plan->kernel),
            "the initrd overlaps nothing");
}

void check(std::span<const std::byte> file) {
    const auto image = parse_image(file);
    if (!image) return check_sentence(image.error());
    require(image->file_size == file.size(), "the whole file is the kernel");
    for (const std::uint64_t initrd_size : {0ull, 1ull, 40ull << 20, ~0ull}) {
        check_plan(*image, initrd_size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    check(input);
    // Again with what the fuzzer would take long to guess: the magic numbers.
    std::vector<std::byte> file(input.begin(), input.end());
    if (file.size() < 128) return 0;
    std::memcpy(&file[56], "RSC\x05", 4);
    check(file);
    std::memcpy(&file[0], "MZ", 2);
    std::memcpy(&file[0x3c], "\x40\0\0\0PE\0\0", 8);
    check(file);
    return 0;
}
