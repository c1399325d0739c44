// SPDX-License-Identifier: MIT
// One vCPU's performance counters, as the guest numbers them: a counter of the hart has the number
// of its CSR, and firmware counters, which count what Cairn does for the guest, fill the rest, so
// that there is no hole:
//
//     0      1         2        3            4            ...  n    n + 1 ...
//     cycle  firmware  instret  hpmcounter3  hpmcounter4       firmware  firmware
//
// Linux counts on instret being 2 (perf_user_access=2). Here is who counts what; the hart's
// counters themselves are in kernel/vm/vcpu/hardware_counters.hpp. Touched by the vCPU's own hart,
// but for `count`, which others may call. Pure.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>

#include "kernel/arch/firmware/sbi_events.hpp"
#include "kernel/vm/vcpu/hardware_counters.hpp"

namespace cairn {

/// A set of the guest's counters, bit n for counter n.
using CounterSet = std::uint64_t;

class VcpuPmu {
  public:
    /// At least so many are firmware counters.
    static constexpr unsigned firmware_counters = 16;
    static constexpr unsigned max_counters = 32 + firmware_counters;

    /// All stopped, without an event, at 0. `hardware` are the hart's.
    void reset(CsrCounters hardware);

    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] bool is_hardware(unsigned counter) const {
        return (CounterSet{hardware_} >> counter & 1) != 0;
    }
    [[nodiscard]] bool is_started(unsigned counter) const { return (started_ >> counter & 1) != 0; }
    [[nodiscard]] bool has_event(unsigned counter) const { return (assigned_ >> counter & 1) != 0; }
    [[nodiscard]] CsrCounters hardware() const { return hardware_; }
    /// The hart's counters that have an event now.
    [[nodiscard]] CsrCounters assigned_hardware() const {
        return hardware_ & static_cast<CsrCounters>(assigned_);
    }

    /// What a counter of the hart has been set up for.
    struct Setup {
        std::uint64_t event_data = 0;
        std::uint32_t event = 0;
        std::uint32_t flags = 0;  ///< SbiCounterConfig, the guest's
        bool operator==(const Setup&) const = default;
    };
    void remember(unsigned counter, const Setup& setup) { setups_[counter] = setup; }
    [[nodiscard]] const Setup& setup(unsigned counter) const { return setups_[counter]; }

    /// The counters that an SBI call names; nothing where it names one that does not exist, or
    /// none.
    [[nodiscard]] std::optional<CounterSet> select(std::uint64_t base, std::uint64_t mask) const;
    /// Those of `set` that may be given an event: not started, and if there is a choice not given
    /// one already, for what a guest has configured and is about to start is not to be taken from
    /// it.
    [[nodiscard]] CounterSet available(CounterSet set) const;

    /// Those that have none.
    [[nodiscard]] CsrCounters unused_hardware() const {
        return hardware_ & ~static_cast<CsrCounters>(assigned_ | started_);
    }

    /// Gives the counter an event; firmware counters keep their value.
    void assign(unsigned counter, std::uint32_t event);
    void start(unsigned counter);
    void stop(unsigned counter);
    /// Takes its event away.
    void release(unsigned counter);

    /// The value of a firmware counter, or of one of the hart's that has been put away.
    [[nodiscard]] std::uint64_t value(unsigned counter) const;
    void set_value(unsigned counter, std::uint64_t value);

    /// `event` has happened to the vCPU.
    void count(SbiFirmwareEvent event) {
        const auto number = static_cast<unsigned>(event);
        if ((watched_.load(std::memory_order_relaxed) >> number & 1) == 0) [[likely]]
            return;
        totals_[number].fetch_add(1, std::memory_order_relaxed);
    }
    /// Whether a counter runs that counts what the world switch answers by itself.
    [[nodiscard]] bool counts_fast_calls() const;

  private:
    [[nodiscard]] bool is_counting_firmware_event(unsigned counter) const;
    [[nodiscard]] std::uint64_t total(unsigned counter) const;
    void watch();

    unsigned count_ = 0;
    CsrCounters hardware_ = 0;
    std::atomic<std::uint32_t> watched_ = 0;  ///< the events that some counter counts, a bit each
    CounterSet assigned_ = 0;
    CounterSet started_ = 0;
    std::array<std::uint8_t, max_counters> events_{};  ///< firmware counters': SbiFirmwareEvent
    /// Firmware counters: the value, less the event's total while it runs.
    std::array<std::uint64_t, max_counters> values_{};
    std::array<std::atomic<std::uint64_t>, sbi_firmware_events> totals_{};
    std::array<Setup, 32> setups_{};
};

/// How many counters a guest has, those of the hart included.
[[nodiscard]] constexpr unsigned guest_counter_count(CsrCounters hardware) {
    const auto with_all =
        static_cast<unsigned>(std::popcount(hardware)) + VcpuPmu::firmware_counters;
    const auto highest = static_cast<unsigned>(std::bit_width(hardware));
    return with_all > highest ? with_all : highest;
}

}  // namespace cairn
