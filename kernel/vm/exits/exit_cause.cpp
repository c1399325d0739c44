// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_cause.hpp"

#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {
namespace {

void print_call(Writer& out, const ExitCause& cause) {
    const auto extension = static_cast<SbiExtension>(cause.extension);
    const std::string_view function = sbi_function_name(extension, cause.function);
    print(out, "SBI {}", to_string(extension));
    if (!function.empty()) print(out, ": {}", function);
}

}  // namespace

ExitCause exit_cause(std::uint64_t scause, std::uint64_t extension, std::uint64_t function,
                     GuestPhys address, const GuestRange& ram,
                     std::span<const GuestDevice> devices) {
    if (is_guest_call(scause))
        return {.scause = scause, .extension = extension, .function = function};
    if (!is_guest_page_fault(scause)) return {.scause = scause};
    if (ram.contains(address, 1)) return {.scause = scause, .device = "RAM"};
    for (const GuestDevice& device : devices) {
        if (device.block.contains(address, 1)) {
            return {.scause = scause, .device = device.kind->name};
        }
    }
    return {.scause = scause};
}

void print_cause(Writer& out, const ExitCause& cause) {
    if (is_guest_call(cause.scause)) return print_call(out, cause);
    if (cause.scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault)) {
        print(out, "load from {}", cause.device);
    } else if (cause.scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault)) {
        print(out, "store to {}", cause.device);
    } else {
        print(out, "{}", trap_cause_name(cause.scause));
    }
}

}  // namespace cairn
