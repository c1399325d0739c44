// SPDX-License-Identifier: MIT
// Compiled: into hypervisor.elf alone. The firmware calls it there.
// The door of hypervisor.elf: entered by the RISC-V boot protocol, behind an SBI firmware.
#include "kernel/host/boot/door.hpp"
#include "kernel/host/boot/image_layout.hpp"

namespace cairn {
namespace {

constinit Door sbi_door;

}  // namespace

const Door& door() {
    if (sbi_door.own.empty()) {
        sbi_door.own = {hypervisor_range()};
        sbi_door.heap = heap_range();
    }
    return sbi_door;
}

}  // namespace cairn
