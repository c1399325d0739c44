// SPDX-License-Identifier: MIT
// What the SBI says of firmware features. Facts only, towards the firmware and towards guests.
#pragma once

#include <cstdint>

namespace cairn {

// RISC-V Supervisor Binary Interface Specification 3.0, "SBI Firmware Features Extension", table
// "FWFT Feature Types". All of these are a hart's own. X(name, number, title)
#define CAIRN_SBI_FEATURES(X)                                        \
    X(misaligned_exc_deleg, 0, "delegation of misaligned accesses")  \
    X(landing_pad, 1, "landing pads")                                \
    X(shadow_stack, 2, "shadow stacks")                              \
    X(double_trap, 3, "double traps")                                \
    X(pte_ad_hw_updating, 4, "updates of page tables' A and D bits") \
    X(pointer_masking_pmlen, 5, "length of pointer masks")

#define CAIRN_ROW(name, number, title) name = (number),
/// Feature id, 32 bits wide. A value from a guest may be outside the list.
enum class SbiFeature : std::uint32_t { CAIRN_SBI_FEATURES(CAIRN_ROW) };
#undef CAIRN_ROW
inline constexpr std::uint32_t sbi_features = 6;

/// "Function: Firmware Features Set", its flags.
inline constexpr std::uint64_t sbi_feature_lock = 1;

}  // namespace cairn
