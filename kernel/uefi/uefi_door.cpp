// SPDX-License-Identifier: MIT
// Compiled: small, into cairn.efi alone. It runs once per boot or per start of a guest.
// The door of cairn.efi: kernel/arch/start/efi_entry.S has moved the image's addresses to where it
// lies, and calls here on the firmware's stack.
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/uefi/arrival.hpp"
#include "kernel/uefi/text_output.hpp"

namespace cairn {
namespace {

[[gnu::section(".data")]] constinit uefi::Arrival arrival;  // .bss is cleared after it is filled in

}  // namespace

const Door& door() {
    return arrival.door;
}

namespace uefi {

/// What efi_entry.S finds in a0 and a1.
struct EfiOutcome {
    Status status;           ///< but for success, the firmware is told and goes on
    const Arrival* arrival;  ///< otherwise Boot Services are gone
};
static_assert(sizeof(EfiOutcome) == 16);

extern "C" EfiOutcome efi_main(Handle image, const SystemTable& table) {
    TextOutputWriter console(table);
    console.start_line();
    const HostRange own = range_between(__image_start, __stack_top);
    const auto arrived = arrive(arrival, Firmware(table), image, own);
    if (arrived) return {.status = Status::success, .arrival = &arrival};
    println(console, "cairn: {}", arrived.error());
    return {.status = arrived.error().status(), .arrival = nullptr};
}

}  // namespace uefi
}  // namespace cairn
