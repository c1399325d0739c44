// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/archive.hpp"

#include "kernel/uefi/volume.hpp"

namespace cairn::uefi {
namespace {

Outcome<Archive> room_for(Firmware firmware, std::uint64_t size, std::string_view name) {
    if (size == 0) return fail(Status::end_of_file, "the VM archive {} is empty", name);
    auto pages = Pages::allocate(firmware, size);
    if (!pages) return fail(pages.error(), "{} bytes for the VM archive {}", size, name);
    return Archive{.pages = std::move(*pages), .size = size};
}

Outcome<Archive> read_file(Firmware firmware, Handle device, std::string_view path) {
    const auto volume = OpenFile::volume(firmware, device);
    if (!volume) return fail(volume.error(), "the volume that Cairn was started from");
    const auto file = volume->open(path);
    if (!file) return fail(file.error(), "the VM archive {}", path);
    const auto size = file->size();
    if (!size) return fail(size.error(), "the size of the VM archive {}", path);
    auto archive = room_for(firmware, *size, path);
    if (!archive) return archive;
    if (const auto read = file->read(archive->pages.bytes().first(*size)); !read) {
        return fail(read.error(), "reading the VM archive {}", path);
    }
    return archive;
}

Outcome<Archive> read_initrd(Firmware firmware, LoadFile2& initrd) {
    constexpr std::string_view name = "that the boot loader offers";
    InitrdMedia path;
    std::size_t size = 0;
    Status status = initrd.load_file(&initrd, &path.end, false, &size, nullptr);
    if (status != Status::buffer_too_small && is_error(status)) {
        return fail(status, "the size of the VM archive {}", name);
    }
    auto archive = room_for(firmware, size, name);
    if (!archive) return archive;
    status = initrd.load_file(&initrd, &path.end, false, &size, archive->pages.bytes().data());
    if (is_error(status)) return fail(status, "reading the VM archive {}", name);
    archive->size = size;
    return archive;
}

}  // namespace

Outcome<Archive> read_archive(Firmware firmware, const LoadedImage& image,
                              const CommandLine& line) {
    if (const auto path = line.archive()) return read_file(firmware, image.device, *path);
    const InitrdMedia media;
    const auto device = firmware.locate_device(LoadFile2::guid, &media.vendor);
    if (!device) {
        // One of several would be part of what is meant.
        if (line.has_several_initrds()) {
            return fail(Status::invalid_parameter,
                        "boot option 'initrd={}': expected initrd= only once",
                        line.initrd().value_or(""));
        }
        return read_file(firmware, image.device, line.initrd().value_or(default_archive));
    }
    const auto initrd = firmware.protocol<LoadFile2>(*device);
    if (!initrd) return fail(initrd.error(), "the VM archive that the boot loader offers");
    return read_initrd(firmware, **initrd);
}

}  // namespace cairn::uefi
