// SPDX-License-Identifier: MIT
// The hart's own performance counters (cycle, instret, hpmcounter3 to 31), as far as the machine's
// firmware lends them: they are set up by its SBI PMU and read by CSR. A guest is given all of them
// while its vCPU lies in the hart. Described once, for all harts; the calls below are for the hart
// at hand.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {

/// A set of counters by CSR: bit n is CSR cycle + n.
using CsrCounters = std::uint32_t;

struct HardwareCounters {
    CsrCounters present = 0;                 ///< never `time`
    std::array<std::uint8_t, 32> number{};   ///< the firmware's index of each
    std::array<std::uint8_t, 32> top_bit{};  ///< its width less one
    bool operator==(const HardwareCounters&) const = default;
};

/// cycle, time and instret, which count also when nobody has asked for it (Zicntr).
inline constexpr CsrCounters free_running_counters = 0b111;

/// What the firmware has; nothing where it has no PMU.
[[nodiscard]] HardwareCounters find_hardware_counters();

/// Has one of `candidates` count the event, for the guest alone; it is stopped then. `flags` are
/// the guest's own (SbiCounterConfig). The error is the firmware's.
[[nodiscard]] std::expected<unsigned, SbiError> configure_hardware_counter(
    const HardwareCounters& counters, CsrCounters candidates, std::uint64_t flags,
    std::uint64_t event, std::uint64_t event_data);

/// Starts a counter that has been configured and stopped, at `value` if there is one.
[[nodiscard]] bool start_hardware_counter(const HardwareCounters& counters, unsigned counter,
                                          std::optional<std::uint64_t> value);
/// Stops a counter, which keeps its event.
void stop_hardware_counter(const HardwareCounters& counters, unsigned counter);

/// The value of a counter that has been stopped.
[[nodiscard]] std::uint64_t read_hardware_counter(unsigned counter);

/// Takes counters that were configured back: they count nothing, but for the free-running ones,
/// which count in every mode again.
void release_hardware_counters(const HardwareCounters& counters, CsrCounters used);

}  // namespace cairn
