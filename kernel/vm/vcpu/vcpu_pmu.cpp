// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/vm/vcpu/vcpu_pmu.hpp"

namespace cairn {
namespace {

constexpr CounterSet only(unsigned counter) {
    return CounterSet{1} << counter;
}

constexpr std::uint32_t event_bit(SbiFirmwareEvent event) {
    return std::uint32_t{1} << static_cast<unsigned>(event);
}

}  // namespace

void VcpuPmu::reset(CsrCounters hardware) {
    hardware_ = hardware;
    count_ = guest_counter_count(hardware);
    assigned_ = 0;
    started_ = 0;
    values_.fill(0);
    watched_.store(0, std::memory_order_relaxed);
}

std::optional<CounterSet> VcpuPmu::select(std::uint64_t base, std::uint64_t mask) const {
    if (mask == 0 || base >= count_) return std::nullopt;
    const CounterSet set = mask << base;
    if (set >> base != mask || set >> count_ != 0) return std::nullopt;
    return set;
}

CounterSet VcpuPmu::available(CounterSet set) const {
    const CounterSet stopped = set & ~started_;
    return std::has_single_bit(set) ? stopped : stopped & ~assigned_;
}

void VcpuPmu::assign(unsigned counter, std::uint32_t event) {
    assigned_ |= only(counter);
    if (!is_hardware(counter)) events_[counter] = static_cast<std::uint8_t>(event);
}

bool VcpuPmu::is_counting_firmware_event(unsigned counter) const {
    return !is_hardware(counter) && is_started(counter);
}

std::uint64_t VcpuPmu::total(unsigned counter) const {
    return totals_[events_[counter]].load(std::memory_order_relaxed);
}

void VcpuPmu::start(unsigned counter) {
    started_ |= only(counter);
    if (is_hardware(counter)) return;
    watch();
    values_[counter] -= total(counter);
}

void VcpuPmu::stop(unsigned counter) {
    if (!is_hardware(counter)) values_[counter] = value(counter);
    started_ &= ~only(counter);
    watch();
}

void VcpuPmu::release(unsigned counter) {
    assigned_ &= ~only(counter);
}

std::uint64_t VcpuPmu::value(unsigned counter) const {
    return is_counting_firmware_event(counter) ? values_[counter] + total(counter)
                                               : values_[counter];
}

void VcpuPmu::set_value(unsigned counter, std::uint64_t value) {
    values_[counter] = value;
}

void VcpuPmu::watch() {
    std::uint32_t watched = 0;
    for (unsigned counter = 0; counter < count_; ++counter) {
        if (is_counting_firmware_event(counter)) {
            watched |= std::uint32_t{1} << events_[counter];
        }
    }
    watched_.store(watched, std::memory_order_relaxed);
}

bool VcpuPmu::counts_fast_calls() const {
    constexpr std::uint32_t answered_in_assembly = event_bit(SbiFirmwareEvent::set_timer) |
                                                   event_bit(SbiFirmwareEvent::ipi_sent) |
                                                   event_bit(SbiFirmwareEvent::ipi_received);
    return (watched_.load(std::memory_order_relaxed) & answered_in_assembly) != 0;
}

}  // namespace cairn
