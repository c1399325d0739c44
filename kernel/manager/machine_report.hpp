// SPDX-License-Identifier: MIT
// What the machine offers to guests, as far as HostResources does not know it already: looked for
// once, at boot, and told in one line there and in plain words by the monitor's `doctor`.
#pragma once

#include <cstdint>

#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/manager/host_resources.hpp"

namespace cairn {

struct MachineReport {
    Stage2Abilities stage2;         ///< the boot hart's
    bool writes_htinst = false;     ///< a guest-page fault says which instruction it was
    bool has_aia = false;           ///< its node names Ssaia
    bool has_sswi = false;          ///< harts interrupt each other without the firmware
    std::size_t harts = 0;          ///< that the machine has
    std::uint64_t sbi_version = 0;  ///< as get_spec_version answers
    std::uint64_t sbi_implementation = 0;
    std::uint64_t sbi_implementation_version = 0;

    // SBI, "get_sbi_spec_version".
    [[nodiscard]] std::uint64_t sbi_major() const { return sbi_version >> 24 & 0x7f; }
    [[nodiscard]] std::uint64_t sbi_minor() const { return sbi_version & 0xff'ffff; }
};

/// On the boot hart, while no guest lies in it; `host` has been taken.
[[nodiscard]] MachineReport examine_machine(const Machine& machine, std::uint64_t boot_hart,
                                            HostResources& host);

/// "OpenSBI 1.1", or "implementation 77, version 0x12".
void write_firmware(Writer& out, const MachineReport& report);
/// "Sv39x4 Sv48x4 Sv57x4"
void write_stage2_modes(Writer& out, const MachineReport& report);
/// One line without its end, for the boot.
void write_summary(Writer& out, const MachineReport& report, HostResources& host);

}  // namespace cairn
