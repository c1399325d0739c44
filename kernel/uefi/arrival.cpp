// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/arrival.hpp"

#include <cairn/bits.hpp>
#include "kernel/host/boot/boot_options.hpp"
#include "kernel/uefi/archive.hpp"
#include "kernel/uefi/firmware_memory.hpp"
#include "kernel/uefi/firmware_tree.hpp"

namespace cairn::uefi {
namespace {

std::unexpected<Failure> bad_command_line(CommandLineFault fault, const CommandLine& line) {
    switch (fault) {
        case CommandLineFault::too_long: break;
        case CommandLineFault::no_path:
            return fail(Status::invalid_parameter,
                        "the command line: archive= or initrd= without a path");
        case CommandLineFault::repeated:
            return fail(Status::invalid_parameter,
                        "boot option 'archive={}': expected archive= only once",
                        line.archive().value_or(""));
    }
    return fail(Status::bad_buffer_size, "the command line: it, or a path, is too long");
}

/// Load options, or the tree's bootargs where there are none.
Outcome<BootOptions> read_options(CommandLine& line, const LoadedImage& image, const Fdt& tree) {
    const auto* text = static_cast<const std::byte*>(image.load_options);
    const std::size_t size = text == nullptr ? 0 : image.load_options_size;
    auto read = line.read(std::span(text, size));
    if (read && line.words().empty() && !line.archive() && !line.initrd())
        read = line.read(boot_arguments(tree));
    if (!read) return bad_command_line(read.error(), line);
    const auto options = parse_boot_options(line.words());
    if (!options) {
        const auto [word, expected] = options.error();
        return fail(Status::invalid_parameter, "boot option '{}': expected {}{}", word, expected,
                    expected == known_boot_options ? "; or archive=PATH" : "");
    }
    return *options;
}

Outcome<Pages> take_heap(Firmware firmware, const BootOptions& options) {
    const std::uint64_t wanted = options.heap_size.value_or(default_heap_size);
    const std::uint64_t size = align_down(wanted, page_size);
    if (size == 0) {
        return fail(Status::invalid_parameter, "boot option heap={}: not even a page", wanted);
    }
    auto heap = Pages::allocate(firmware, size);
    if (!heap) return fail(heap.error(), "a heap of {} bytes", size);
    return std::move(*heap);
}

void fill_in(Door& door, HostRange own, HostRange heap, HostRange archive) {
    door.own = {own, heap};
    door.heap = heap;
    door.archive = archive;
}

}  // namespace

Outcome<void> arrive(Arrival& arrival, Firmware firmware, Handle image, HostRange own) {
    const auto loaded = firmware.protocol<LoadedImage>(image);
    if (!loaded) return fail(loaded.error(), "how Cairn was loaded");
    const auto tree = find_device_tree(firmware.table());
    if (!tree) return std::unexpected(tree.error());
    const auto hart = find_boot_hart(firmware, *tree);
    if (!hart) return std::unexpected(hart.error());
    const auto options = read_options(arrival.command_line, **loaded, *tree);
    if (!options) return std::unexpected(options.error());
    auto heap = take_heap(firmware, *options);
    if (!heap) return std::unexpected(heap.error());
    auto archive = read_archive(firmware, **loaded, arrival.command_line);
    if (!archive) return std::unexpected(archive.error());
    const auto memory = leave_boot_services(firmware, image);
    if (!memory) return std::unexpected(memory.error());
    // From here on there is no firmware to give anything back to.
    const HostRange pages = archive->pages.release();
    fill_in(arrival.door, own, heap->release(), {pages.base, archive->size});
    arrival.door.memory = *memory;
    arrival.door.command_line = arrival.command_line.words();
    arrival.boot_hart = *hart;
    arrival.device_tree = tree->bytes().data();
    return {};
}

}  // namespace cairn::uefi
