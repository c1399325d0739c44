// SPDX-License-Identifier: MIT
// Which optional parts of the hart a guest is given. The guest's device tree names exactly these,
// and henvcfg opens exactly these, but for what is not the guest's.
#pragma once

#include <cstdint>

#include "kernel/vm/vcpu/hardware_counters.hpp"

namespace cairn {

class IsaSet;

struct GuestFeatures {
    bool sstc = false;     ///< stimecmp works in VS-mode; else the SBI timer is emulated
    bool svpbmt = false;   ///< page-based memory types
    bool zicbom = false;   ///< cbo.clean, cbo.flush, cbo.inval
    bool zicboz = false;   ///< cbo.zero
    bool svadu = false;    ///< the guest may have its page tables' A and D bits updated
    bool fp = false;       ///< F and D
    bool vector = false;   ///< V
    bool fiom = false;     ///< not the guest's: its fences of I/O are of memory, too
    bool stateen = false;  ///< not the guest's: hstateen0 is there, and must let senvcfg through
    /// Not the guest's: ticks of `time` after which its timer is renewed, where the machine can
    /// lose the timer's interrupt; else 0.
    std::uint32_t timer_renewal = 0;
    HardwareCounters counters{};  ///< those of the hart's counters that the guest's SBI lends
};

/// Has the firmware of the hart at hand leave to Cairn what guests choose by FWFT, where it wants
/// to be asked: henvcfg.ADUE, with Svadu; and misaligned accesses, where V does not belong to `isa`
/// (misaligned vector accesses Cairn does not carry out, and firmware may). Once per hart, before a
/// guest runs there: it holds for all of them.
void let_guests_choose_features(const IsaSet& isa);

/// The value of henvcfg at a guest's start: it opens `features` and nothing else. Svadu is for the
/// guest to turn on.
[[nodiscard]] std::uint64_t henvcfg_for(const GuestFeatures& features);

}  // namespace cairn
