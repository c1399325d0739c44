// SPDX-License-Identifier: MIT
// Who implements an SBI: what `get_impl_id` answers. SBI specification 3.0, "SBI Implementation
// IDs". Facts only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cairn {

/// By implementation id, from 0.
inline constexpr std::array<std::string_view, 12> sbi_implementations{
    "BBL",    "OpenSBI",     "Xvisor",        "KVM",      "RustSBI", "Diosix",
    "Coffer", "Xen Project", "PolarFire HSS", "coreboot", "oreboot", "bhyve"};

/// Which of them packs its version as major << 16 | minor.
inline constexpr std::uint64_t sbi_implementation_opensbi = 1;

}  // namespace cairn
