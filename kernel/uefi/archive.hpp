// SPDX-License-Identifier: MIT
// Where the VM archive comes from, in this order: the file that the command line names; what a boot
// loader offers as an initial RAM disk (LINUX_EFI_INITRD_MEDIA: U-Boot, GRUB and QEMU's own loader
// in EDK2 do); the default file. Files are on the volume that Cairn itself came from.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/uefi/failure.hpp"
#include "kernel/uefi/firmware.hpp"

namespace cairn::uefi {

inline constexpr std::string_view default_archive = R"(\EFI\cairn\vms.cpio)";

struct Archive {
    Pages pages;
    std::uint64_t size;  ///< bytes of the archive, which starts with the pages
};

[[nodiscard]] Outcome<Archive> read_archive(Firmware firmware, const LoadedImage& image,
                                            std::optional<std::string_view> path);

}  // namespace cairn::uefi
