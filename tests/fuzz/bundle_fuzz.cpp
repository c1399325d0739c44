// SPDX-License-Identifier: MIT
// Any bytes are an archive of VMs or a sentence. The input is used twice: as the whole archive, and
// as the contents of one in good order, since the fuzzer rarely writes a whole header by itself.
#include <cstdio>
#include <string>

#include "kernel/vm/bundle.hpp"
#include "lib/panic.hpp"
#include "lib/print.hpp"

namespace {

using namespace cairn;

void append(std::string& archive, std::string_view name, std::string_view data) {
    char header[128];
    std::snprintf(header, sizeof header,
                  "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0u, 0100644u, 0u,
                  0u, 1u, 0u, data.size(), 0u, 0u, 0u, 0u, name.size() + 1, 0u);
    const auto pad = [&archive] { archive.resize((archive.size() + 3) / 4 * 4); };
    archive.append(header).append(name).push_back('\0');
    pad();
    archive.append(data);
    pad();
}

void check(std::span<const std::byte> archive) {
    const auto bundle = read_bundle(archive);
    FixedBuffer<8192> out;
    if (!bundle) {
        print(out, "{}", bundle.error());
        require(!out.view().empty() && !out.truncated(), "an error has a sentence");
        return;
    }
    require(!bundle->vms().empty(), "a bundle has a VM");
    for (const BundleVm& vm : bundle->vms()) {
        require(!vm.kernel.empty() && vm.kernel.size() <= archive.size(), "a VM has a kernel");
        const auto plan = plan_load(vm, {{0x8000'0000}, vm.config.memory}, 64 << 10);
        if (!plan) print(out, "{}", plan.error());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(std::as_bytes(std::span(text)));

    // Names and contents by lines: "name=contents" is a file; the name of the first is a/vm.conf.
    std::string archive;
    append(archive, "a/vm.conf", text.substr(0, text.find('\1')));
    for (std::size_t at = text.find('\1'); at != std::string_view::npos;) {
        const std::size_t next = text.find('\1', at + 1);
        const std::string_view file = text.substr(at + 1, next - at - 1);
        const std::string_view name = file.substr(0, file.find('\2'));
        if (name.find('\0') == std::string_view::npos) {
            append(archive, name, file.substr(name.size()));
        }
        at = next;
    }
    append(archive, "TRAILER!!!", "");
    check(std::as_bytes(std::span(archive)));
    return 0;
}
