// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/counter_moves.hpp"

#include <algorithm>

#include "kernel/arch/firmware/sbi_events.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr unsigned cycle = 0;
constexpr unsigned other = 4;

FakeSbiCall call_of(SbiPmu function, std::array<std::uint64_t, 6> arguments) {
    return {SbiExtension::pmu, static_cast<std::uint64_t>(function), arguments};
}

/// cycle and hpmcounter4, which its firmware calls 9; cycle counts, the other is stopped.
struct Counters {
    Counters() {
        counters.present = 0b1'0001;
        counters.number[other] = 9;
        pmu.reset(counters.present);
        pmu.assign(cycle, 1);
        pmu.remember(cycle, {.event_data = 0, .event = 1, .flags = 0});
        pmu.start(cycle);
        pmu.assign(other, 3);
        pmu.remember(other, {.event_data = 7, .event = 0x2'0000, .flags = 0xff});
        csr_write<Csr::cycle>(1234);
        csr_write<static_cast<Csr>(0xc04)>(99);
        fake_sbi_answer = [](const FakeSbiCall& call) {
            return sbi_success(call.function == 2
                                   ? static_cast<unsigned>(std::countr_zero(call.arguments[1]))
                                   : 0);
        };
    }
    FreshFakes fakes;
    HardwareCounters counters;
    VcpuPmu pmu;
};

}  // namespace

TEST_CASE("counters that are put away keep what they have counted", "[counter_moves]") {
    Counters the;
    put_away_hardware_counters(the.counters, the.pmu);
    CHECK(the.pmu.value(cycle) == 1234);
    CHECK(the.pmu.value(other) == 99);
    CHECK(the.pmu.is_started(cycle));
    CHECK(!the.pmu.is_started(other));
    CHECK(fake_sbi_calls ==
          std::vector<FakeSbiCall>{call_of(SbiPmu::counter_stop, {0, 1, 0}),
                                   call_of(SbiPmu::counter_stop, {0, 1, 1}),
                                   // For anybody.
                                   call_of(SbiPmu::counter_config_matching, {0, 1, 4, 1, 0, 0}),
                                   call_of(SbiPmu::counter_stop, {9, 1, 1})});
}

TEST_CASE("counters that are loaded go on where they were", "[counter_moves]") {
    Counters the;
    put_away_hardware_counters(the.counters, the.pmu);
    fake_sbi_calls.clear();
    load_hardware_counters(the.counters, the.pmu);
    // VU and VS inhibited as they were for the guest's U and S; nothing is cleared or started
    // early.
    CHECK(fake_sbi_calls ==
          std::vector<FakeSbiCall>{
              call_of(SbiPmu::counter_config_matching, {0, 1, 0xe0, 1, 0, 0}),
              call_of(SbiPmu::counter_stop, {0, 1, 0}),
              call_of(SbiPmu::counter_start, {0, 1, 1, 1234}),
              call_of(SbiPmu::counter_config_matching, {0, 1 << 9, 0xf8, 0x2'0000, 7, 0}),
              call_of(SbiPmu::counter_stop, {9, 1, 0}),
              call_of(SbiPmu::counter_start, {9, 1, 1, 99}),
              call_of(SbiPmu::counter_stop, {9, 1, 0})});
}

TEST_CASE("counters without an event stay in the hart", "[counter_moves]") {
    const FreshFakes fakes;
    HardwareCounters counters;
    counters.present = 0b101;
    VcpuPmu pmu;
    pmu.reset(counters.present);
    put_away_hardware_counters(counters, pmu);
    load_hardware_counters(counters, pmu);
    CHECK(fake_sbi_calls.empty());
}

TEST_CASE("a vCPU takes its counters along", "[counter_moves]") {
    const Counters the;
    GuestFeatures features;
    features.counters = the.counters;
    GuestBench bench(features);
    VcpuPmu& pmu = bench.vcpu().pmu();
    pmu.assign(cycle, 1);
    pmu.remember(cycle, {.event_data = 0, .event = 1, .flags = 0});
    pmu.start(cycle);
    csr_write<Csr::cycle>(4321);
    fake_sbi_calls.clear();
    bench.vcpu().put_away();
    CHECK(pmu.value(cycle) == 4321);
    CHECK(std::ranges::count(fake_sbi_calls, call_of(SbiPmu::counter_stop, {0, 1, 1})) == 1);
    fake_sbi_calls.clear();
    bench.vcpu().load();
    CHECK(std::ranges::count(fake_sbi_calls, call_of(SbiPmu::counter_start, {0, 1, 1, 4321})) == 1);
}
