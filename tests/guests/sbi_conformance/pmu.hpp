// SPDX-License-Identifier: MIT
// What the files about the PMU share.
#pragma once

#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {

extern std::uint64_t pmu_counters;  ///< how many

constexpr std::uint64_t flag_clear = 1 << 1;  // "PMU Counter Config Match Flags"
constexpr std::uint64_t flag_auto_start = 1 << 2;
constexpr std::uint64_t flag_set_value = 1;  // "PMU Counter Start Flags"
constexpr std::uint64_t event_cycles = 1;    // "PMU Hardware Events"
constexpr std::uint64_t event_instructions = 2;

constexpr std::uint64_t firmware_event(std::uint64_t code) {
    return 0xf'0000 | code;
}

template <class... Arguments>
SbiResult pmu(SbiPmu function, Arguments... arguments) {
    return call(SbiExtension::pmu, function, arguments...);
}

/// The mask of all counters, from base 0.
inline std::uint64_t pmu_all() {
    return pmu_counters >= 64 ? all_ones : (std::uint64_t{1} << pmu_counters) - 1;
}

void check_pmu_between_harts();
void check_pmu_memory();

}  // namespace cairn::guest::conformance
