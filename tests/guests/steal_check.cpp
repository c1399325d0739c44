// SPDX-License-Identifier: MIT
// Spins for a while and says what part of it its hart was away, by steal time (SBI STA). Argument:
// for how many milliseconds.
#include <charconv>

#include "kernel/vm/vcpu/steal_time.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t ticks_per_ms = 10'000;  // QEMU's `virt`
constexpr std::uint64_t ns_per_tick = 100;

alignas(64) volatile StealTime::Report report;

std::uint64_t now() {
    return csr_read<Csr::time>();
}

std::uint64_t stolen_ns() {
    for (;;) {
        const std::uint32_t before = report.sequence;
        const std::uint64_t steal = report.steal;
        if (before % 2 == 0 && before == report.sequence) return steal;
    }
}

}  // namespace

void run(std::string_view arguments) {
    std::uint64_t ms = 300;
    (void)std::from_chars(arguments.data(), arguments.data() + arguments.size(), ms);
    const auto at = reinterpret_cast<std::uint64_t>(&report);
    if (!sbi_call(SbiExtension::sta, SbiSta::steal_time_set_shmem, at, 0, 0).ok()) {
        return println("steal: refused");
    }
    const std::uint64_t start = now();
    while (now() - start < ms * ticks_per_ms) {
    }
    const std::uint64_t ran = (now() - start) * ns_per_tick;
    println("steal: {} % of {} ms, {}", stolen_ns() * 100 / ran, ms,
            report.preempted == 0 ? "running" : "preempted");
}

}  // namespace cairn::guest
