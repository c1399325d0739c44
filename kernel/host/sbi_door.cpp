// SPDX-License-Identifier: MIT
// The door of hypervisor.elf: entered by the RISC-V boot protocol, behind an SBI firmware.
#include "kernel/host/door.hpp"
#include "kernel/host/image_layout.hpp"

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
