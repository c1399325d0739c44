// SPDX-License-Identifier: MIT
// Where the VM archive comes from, in this order: the file of archive=; what a boot loader offers
// as an initial RAM disk (LINUX_EFI_INITRD_MEDIA: EDK2 with QEMU's -initrd, U-Boot's boot manager);
// the file of initrd=; the default file. Files are on the volume that Cairn itself came from.
#pragma once

#include <string_view>

#include "kernel/uefi/failure.hpp"
#include "kernel/uefi/firmware.hpp"
#include "kernel/uefi/load_options.hpp"

namespace cairn::uefi {

inline constexpr std::string_view default_archive = R"(\EFI\cairn\vms.cpio)";

struct Archive {
    Pages pages;
    std::uint64_t size;  ///< bytes of the archive, which starts with the pages
};

[[nodiscard]] Outcome<Archive> read_archive(Firmware firmware, const LoadedImage& image,
                                            const CommandLine& line);

}  // namespace cairn::uefi
