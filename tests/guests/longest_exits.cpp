// SPDX-License-Identifier: MIT
#include "tests/guests/longest_exits.hpp"

#include <algorithm>
#include <array>

#include "kernel/arch/firmware/sbi_events.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t instructions_per_tick = 100;
constexpr std::size_t entries = 8;  // so many are one exit
constexpr std::uint64_t nowhere = 0x1800'0000;

struct EventInfo {
    std::uint32_t event, output;
    std::uint64_t data;
};
alignas(16) constinit std::array<EventInfo, entries> events{};
constinit std::array<char, 4096> text{};

template <class Function, class... Arguments>
SbiResult pmu(Function function, Arguments... arguments) {
    return sbi_call(SbiExtension::pmu, function, arguments...);
}

/// Every counter that there is, as a mask for base 0.
std::uint64_t all_counters() {
    return (std::uint64_t{1} << pmu(SbiPmu::num_counters).value) - 1;
}

void ask_for_events() {
    pmu(SbiPmu::event_get_info, reinterpret_cast<std::uint64_t>(events.data()), 0u, events.size(),
        0u);
}

/// Gives events to as many counters as take one.
void configure_all_counters() {
    for (std::uint64_t left = all_counters(); left != 0; left &= left - 1) {
        const std::uint64_t one = left & -left;
        for (const std::uint64_t event : {0x1ull, 0x2ull, 0x1'0009ull, 0xf'0005ull}) {
            if (pmu(SbiPmu::counter_config_matching, 0u, one, SbiCounterConfig::clear_value, event,
                    0u)
                    .ok())
                break;
        }
    }
}

struct Longest {
    std::string_view name;
    void (*run)();
    void (*prepare)() = [] {};
};
constexpr std::array longest{
    Longest{"event-info-8", ask_for_events},
    Longest{"dbcn-4096",
            [] {
                sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, text.size(),
                         reinterpret_cast<std::uint64_t>(text.data()), 0u);
            }},
    Longest{"config-matching",
            [] {
                pmu(SbiPmu::counter_config_matching, 0u, all_counters(),
                    SbiCounterConfig::clear_value | SbiCounterConfig::auto_start, 0x1u, 0u);
            },
            [] { pmu(SbiPmu::counter_stop, 0u, all_counters(), SbiCounterStop::reset); }},
    Longest{"start-all", [] { pmu(SbiPmu::counter_start, 0u, all_counters(), 1u, 0u); },
            configure_all_counters},
    Longest{"stop-all",
            [] { pmu(SbiPmu::counter_stop, 0u, all_counters(), SbiCounterStop::reset); },
            [] {
                configure_all_counters();
                pmu(SbiPmu::counter_start, 0u, all_counters(), 1u, 0u);
            }},
    Longest{"fence-16-pages",
            [] {
                sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 1u, 0u, 0x8000'0000u,
                         std::uint64_t{16 * 4096});
            }},
    Longest{"plic-enable", [] { *reinterpret_cast<volatile std::uint32_t*>(0x0c00'2080) = 0; }},
    Longest{"nowhere", [] { (void)*reinterpret_cast<volatile std::uint64_t*>(nowhere); }},
};

std::uint64_t ticks(void (*run)()) {
    const std::uint64_t start = csr_read<Csr::time>();
    run();
    return csr_read<Csr::time>() - start;
}

}  // namespace

void measure_longest_exits() {
    for (std::size_t n = 0; n < events.size(); ++n)
        events[n] = {.event = 1 + static_cast<std::uint32_t>(n % 2), .output = 0, .data = 0};
    text.fill('.');
    text.back() = '\n';
    for (const auto& [name, run, prepare] : longest) {
        std::uint64_t most = 0;
        for (unsigned round = 0; round < 8; ++round) {
            prepare();
            most = std::max(most, ticks(run));
        }
        println("\nlongest {} {}", name, most * instructions_per_tick);
    }
}

}  // namespace cairn::guest
