// SPDX-License-Identifier: MIT
// Any text is a vm.conf or a sentence; an accepted one keeps its promises.
#include <cairn/bits.hpp>
#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/bundle/vm_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const VmConfigLimits limits{.max_cpus = 8, .max_append = 100};
    const auto config = parse_vm_config("fuzz/vm.conf", text, limits);
    if (!config) {
        FixedBuffer<2048> out;
        print(out, "{}", config.error());
        require(out.view().starts_with("fuzz/vm.conf:"), "a sentence names its file");
        require(!out.truncated(), "a sentence is short");
        for (const char c : out.view()) {
            const bool control = static_cast<unsigned char>(c) < ' ' || c == 0x7f;
            require(!control, "a sentence is printable");
        }
        return 0;
    }
    require(config->name == "fuzz" && !config->kernel.path.empty(), "a VM has a name and a kernel");
    require(config->cpus >= 1 && config->cpus <= limits.max_cpus, "cpus is in range");
    require(config->memory >= limits.min_memory && is_aligned(config->memory, vm_memory_granule),
            "memory is in range");
    require(config->affinity != 0, "a VM may run somewhere");
    require(config->trace <= limits.max_trace, "trace is in range");
    require(config->weight >= 1 && config->weight <= limits.max_weight, "weight is in range");
    require(config->append.size() <= limits.max_append, "append is in range");
    return 0;
}
