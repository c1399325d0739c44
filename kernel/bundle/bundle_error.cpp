// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// The sentences about the archive of VMs: where, what is wrong, and what would be right.
#include <algorithm>

#include <cairn/cpio_path.hpp>
#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/bundle/bundle.hpp"

namespace cairn {

namespace {

constexpr std::size_t most_listed = 16;

std::string_view name_of(VmConfigKey key) {
    return vm_config_keys[static_cast<std::size_t>(key)];
}

/// "hello/vm.conf:2: kernel: 'Image' "
void write_file_place(Writer& out, std::string_view path, VmConfigKey key, VmConfigFile file) {
    print(out, "{}:{}: {}: {} ", path, file.line, name_of(key), Quoted{file.path});
}

/// "; the folder has: Image, initrd.gz", each once, but for vm.conf itself.
void write_folder(Writer& out, const BundleError& error) {
    if (!error.archive) return;
    const CpioPath folder(CpioPath(error.path).take());
    static_vector<CpioPath, most_listed> listed;
    for (const CpioEntry& entry : *error.archive) {
        CpioPath path(entry.name);
        const bool other = entry.is_file() && path != CpioPath(error.path) && path.take(folder);
        if (!other || std::ranges::find(listed, path) != listed.end()) continue;
        if (listed.size() == most_listed) return out.write(", ...");
        print(out, "{}{}", listed.empty() ? "; the folder has: " : ", ", Plain{path.text()});
        listed.push_back(path);
    }
    if (listed.empty()) out.write("; the folder has no file but vm.conf");
}

void write_no_vms(Writer& out, const CpioArchive& archive) {
    std::size_t files = 0;
    for (const CpioEntry& entry : archive)
        files += entry.is_file() ? 1 : 0;
    print(out, "the archive has no VM: none of its {} file{} is a vm.conf in a folder", files,
          files == 1 ? "" : "s");
}

/// Faults of the archive as a whole; the others are about a file that a vm.conf names.
bool write_layout_fault(Writer& out, const BundleError& error) {
    switch (error.fault) {
        case BundleFault::bad_archive:
            print(out, "archive, byte {}: {}", error.archive_error.offset,
                  to_string(error.archive_error.reason));
            return true;
        case BundleFault::no_vms:
            if (error.archive) write_no_vms(out, *error.archive);
            return true;
        case BundleFault::config: print(out, "{}", error.config_error); return true;
        case BundleFault::too_many_vms:
            print(out, "{}: is one VM too many; an archive has at most {}", Plain{error.path},
                  Bundle::max_vms);
            return true;
        case BundleFault::misplaced:
            print(out,
                  "{}: is not where a VM's is; put it into a folder at the top of the archive, as "
                  "NAME/vm.conf",
                  Plain{error.path});
            return true;
        case BundleFault::bad_name:
            print(out,
                  "{}: the folder's name cannot be a VM's; use up to 32 letters, digits, '-', "
                  "'_' and '.', with no '.' first",
                  Plain{error.path});
            return true;
        case BundleFault::two_in_front:
            print(out, "{}:{}: console: is front in {}, too; keep one of the two",
                  Plain{error.path}, error.file.line, Plain{error.file.path});
            return true;
        default: return false;
    }
}

}  // namespace

void format_value(Writer& out, const BundleError& error) {
    if (write_layout_fault(out, error)) return;
    write_file_place(out, error.path, error.key, error.file);
    switch (error.fault) {
        case BundleFault::outside_folder:
            return out.write("leads out of the VM's folder; name a file inside it");
        case BundleFault::not_a_file:
            return out.write("is a folder, link or device in the archive; name a regular file");
        case BundleFault::empty_file: return out.write("is empty");
        case BundleFault::part_of_sector:
            return print(out, "has {} bytes, which are no whole sectors; make it a multiple of {}",
                         error.size, disk_sector);
        default: out.write("is not in the archive"); return write_folder(out, error);
    }
}

void format_value(Writer& out, const VmLoadError& error) {
    const bool initrd = error.error.fault == ImageFault::initrd_too_large;
    const VmConfigFile file =
        initrd ? error.config.initrd.value_or(VmConfigFile{}) : error.config.kernel;
    write_file_place(out, error.config.file, initrd ? VmConfigKey::initrd : VmConfigKey::kernel,
                     file);
    print(out, "{}", error.error);
}

}  // namespace cairn
