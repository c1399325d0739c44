// SPDX-License-Identifier: MIT
// A guest that sleeps for its timer again and again and says how late it came, by its own time.
// Arguments: how many times, and for how many microseconds at least and at most. Prints
//
//     latency: N sleeps, late by A ticks on average, by M at most
#include <algorithm>
#include <array>
#include <charconv>

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t ticks_per_us = 10;  // QEMU's `virt`
constexpr std::uint64_t never = ~std::uint64_t{0};

std::uint64_t now() {
    return csr_read<Csr::time>();
}

std::array<std::uint64_t, 3> read_numbers(std::string_view text) {
    std::array<std::uint64_t, 3> numbers{1, 1000, 1000};
    const char* at = text.data();
    for (std::uint64_t& number : numbers) {
        while (at != text.data() + text.size() && *at == ' ')
            ++at;
        at = std::from_chars(at, text.data() + text.size(), number).ptr;
    }
    return numbers;
}

/// Sleeps until `deadline`; returns how much later it is then.
std::uint64_t sleep_until(std::uint64_t deadline) {
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);
    while (now() < deadline)
        wait_for_interrupt();
    const std::uint64_t late = now() - deadline;
    sbi_call(SbiExtension::time, SbiTime::set_timer, never);
    return late;
}

}  // namespace

void run(std::string_view arguments) {
    const auto [sleeps, least, most] = read_numbers(arguments);
    csr_write<Csr::sie>(Sip::STIP::mask);
    std::uint64_t random = 1, sum = 0, longest = 0;
    for (std::uint64_t n = 0; n < sleeps; ++n) {
        random = random * 0x5851'f42d'4c95'7f2d + 1;
        const std::uint64_t us = least + (random >> 33) % (most - least + 1);
        const std::uint64_t late = sleep_until(now() + us * ticks_per_us);
        sum += late;
        longest = std::max(longest, late);
    }
    println("latency: {} sleeps, late by {} ticks on average, by {} at most", sleeps,
            sum / std::max<std::uint64_t>(sleeps, 1), longest);
}

}  // namespace cairn::guest
