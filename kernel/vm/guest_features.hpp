// SPDX-License-Identifier: MIT
// Which optional parts of the hart a guest is given. The guest's device tree names exactly these,
// and henvcfg opens exactly these.
#pragma once

#include <cstdint>

namespace cairn {

struct GuestFeatures {
    bool sstc = false;     ///< stimecmp works in VS-mode; else the SBI timer is emulated
    bool svpbmt = false;   ///< page-based memory types
    bool zicbom = false;   ///< cbo.clean, cbo.flush, cbo.inval
    bool zicboz = false;   ///< cbo.zero
    bool fp = false;       ///< F and D
    bool stateen = false;  ///< not the guest's: hstateen0 is there, and must let senvcfg through
};

/// The value of henvcfg that opens `features` and nothing else.
[[nodiscard]] std::uint64_t henvcfg_for(const GuestFeatures& features);

}  // namespace cairn
