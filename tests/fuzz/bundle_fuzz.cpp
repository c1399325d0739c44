// SPDX-License-Identifier: MIT
// Any bytes are an archive of VMs or a sentence. The input is used twice: as the whole archive, and
// as the contents of archives in good order, since the fuzzer rarely writes a whole header by
// itself.
#include <algorithm>
#include <string>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/bundle/bundle.hpp"
#include "tests/fuzz/archive_model.hpp"

namespace {

using namespace cairn;

void check_file(const ArchiveModel& model, const VmConfig& config, VmConfigFile file,
                std::span<const std::byte> found) {
    const auto expected = model.file(std::string(config.name) + '/' + std::string(file.path));
    const std::string_view text(reinterpret_cast<const char*>(found.data()), found.size());
    require(expected && *expected == text, "a VM's file is what unpacking gives");
}

void check_files(const BundleVm& vm, const ArchiveModel& model) {
    check_file(model, vm.config, vm.config.kernel, vm.kernel);
    if (vm.initrd) check_file(model, vm.config, *vm.config.initrd, *vm.initrd);
    // And vm.conf is the last one: it says the same of the kernel.
    const auto text = model.file(std::string(vm.config.name) + "/vm.conf").value_or("");
    const auto config = parse_vm_config("x/vm.conf", text);
    require(config && config->kernel.path == vm.config.kernel.path, "a VM's vm.conf is the last");
}

void check_error(const BundleError& error, const ArchiveModel& model) {
    if (error.fault != BundleFault::config) return;
    const std::string path(error.path);
    const auto text = model.file(path);
    require(text && !parse_vm_config(path, *text), "a vm.conf that is wrong is wrong unpacked");
}

/// Beside `model`, where there is one, which says what the files of a VM's folder hold.
void check(std::span<const std::byte> archive, const ArchiveModel* model = nullptr) {
    const auto bundle = read_bundle(archive);
    FixedBuffer<8192> out;
    if (!bundle) {
        print(out, "{}", bundle.error());
        require(!out.view().empty() && !out.truncated(), "an error has a sentence");
        if (model != nullptr) check_error(bundle.error(), *model);
        return;
    }
    require(!bundle->vms().empty(), "a bundle has a VM");
    for (const BundleVm& vm : bundle->vms()) {
        require(!vm.kernel.empty() && vm.kernel.size() <= archive.size(), "a VM has a kernel");
        if (model != nullptr) check_files(vm, *model);
        const auto plan = plan_load(vm, {{0x8000'0000}, vm.config.memory}, 64 << 10);
        if (!plan) print(out, "{}", plan.error());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(std::as_bytes(std::span(text)));

    // Names and contents by lines: "\1name\2contents" is a file; the name of the first is
    // a/vm.conf.
    // "\3" is a hard link of all like it, and "\4" a file of another archive.
    ArchiveModel model;
    constexpr std::string_view starts = "\1\3\4";
    std::size_t at = text.find_first_of(starts);
    // vm.conf itself is a hard link half of the time, and says something that is right then.
    const bool linked = size % 2 != 0;
    if (linked) model.add({.name = "a/vm.conf", .data = "", .links = 2, .inode = 1});
    model.add({.name = linked ? "b/also" : "a/vm.conf",
               .data = (linked ? "kernel = k\n" : "") + std::string(text.substr(0, at)),
               .links = linked ? 2u : 1u,
               .inode = 1});
    while (at != std::string_view::npos) {
        const std::size_t next = text.find_first_of(starts, at + 1);
        const std::string_view file = text.substr(at + 1, next - at - 1);
        const std::string_view name = file.substr(0, file.find('\2'));
        if (text[at] == '\4') model.end(file.size() % 16);
        const std::string_view contents = file.substr(std::min(name.size() + 1, file.size()));
        model.add({.name = std::string(name.substr(0, name.find('\0'))),
                   .data = std::string(contents),
                   .links = text[at] == '\3' ? 2u : 1u});
        at = next;
    }
    model.end();
    check(model.bytes(), &model);
    return 0;
}
