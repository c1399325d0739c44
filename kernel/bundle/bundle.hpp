// SPDX-License-Identifier: MIT
// The VMs in the cpio archive that the boot loader hands over: each folder at the top of the
// archive with a vm.conf in it is a VM, the files its vm.conf names are in that folder. A later
// entry replaces an earlier one of the same path, so that an archive can be appended to another.
//
//     hello/vm.conf   kernel = Image        ──► BundleVm "hello": config, kernel, initrd
//     hello/Image
//     hello/initrd.gz
//
// The archive is input: any bytes give VMs or a sentence. All results are views into the archive,
// which stays in place as long as they are used. No allocation, no locking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/cpio.hpp>
#include <cairn/writer.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/bundle/image.hpp"
#include "kernel/bundle/vm_config.hpp"

namespace cairn {

struct BundleVm {
    VmConfig config;
    std::span<const std::byte> kernel;
    std::optional<std::span<const std::byte>> initrd;
    /// By config.disks; whole sectors.
    std::array<std::span<const std::byte>, VmConfig::max_disks> disks{};
};

/// An image is a multiple of it, in bytes.
inline constexpr std::size_t disk_sector = 512;
inline constexpr std::size_t longest_vm_name = 32;
/// Whether a VM may have this name: letters, digits, '-', '_' and '.', with no '.' first.
[[nodiscard]] bool is_vm_name(std::string_view name);

class Bundle {
  public:
    static constexpr std::size_t max_vms = 64;

    /// In the order in which the archive first names their vm.conf; at least one.
    [[nodiscard]] std::span<const BundleVm> vms() const { return {vms_.data(), count_}; }

    /// The VM `name`, or nullptr.
    [[nodiscard]] const BundleVm* find(std::string_view name) const {
        for (const BundleVm& vm : vms()) {
            if (vm.config.name == name) return &vm;
        }
        return nullptr;
    }

    /// False where there is no room for one more.
    [[nodiscard]] bool add(const BundleVm& vm) {
        if (count_ == max_vms) return false;
        vms_[count_++] = vm;
        return true;
    }

  private:
    std::array<BundleVm, max_vms> vms_{};
    std::size_t count_ = 0;
};

enum class BundleFault : std::uint8_t {
    bad_archive,     ///< `archive_error` says why
    no_vms,          ///< no folder has a vm.conf
    too_many_vms,    ///< more than Bundle::max_vms
    misplaced,       ///< a vm.conf that is not in a folder at the top
    bad_name,        ///< a folder whose name no VM can have
    config,          ///< `config_error` says why
    outside_folder,  ///< a file named by an absolute path or with `..`
    missing_file,
    not_a_file,  ///< a folder, a link or a device
    empty_file,
    part_of_sector,  ///< a disk's image that is no whole number of sectors
    two_in_front,    ///< a second VM has console = front
};

/// What is wrong with the archive, and enough to say it.
struct BundleError {
    BundleFault fault{};
    std::string_view path;  ///< of the vm.conf
    VmConfigError config_error{};
    CpioError archive_error{};
    VmConfigKey key{};                   ///< the key that names the file
    VmConfigFile file{};                 ///< and what it names, or that VM's vm.conf
    std::uint64_t size = 0;              ///< the file's
    std::optional<CpioArchive> archive;  ///< to list what is there instead
};

/// One line without its end: `hello/vm.conf:2: kernel: 'Imgae' is not in the archive; ...`.
void format_value(Writer& out, const BundleError& error);

/// Finds the VMs in the archive; stops at the first error.
[[nodiscard]] std::expected<Bundle, BundleError> read_bundle(std::span<const std::byte> archive,
                                                             VmConfigLimits limits = {});

/// Why a VM's kernel and initrd cannot be loaded: `hello/vm.conf:2: kernel: 'Image' is ...`.
struct VmLoadError {
    VmConfig config;
    ImageError error;
};
void format_value(Writer& out, const VmLoadError& error);

/// Recognises the kernel's format and places kernel, initrd and device tree in `ram`.
[[nodiscard]] std::expected<LoadPlan, VmLoadError> plan_load(const BundleVm& vm, GuestRange ram,
                                                             std::uint64_t fdt_size);

}  // namespace cairn
