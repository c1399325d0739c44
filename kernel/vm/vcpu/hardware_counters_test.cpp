// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/hardware_counters.hpp"

#include "kernel/arch/firmware/sbi_events.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr auto pmu_number = static_cast<std::uint64_t>(SbiExtension::pmu);
constexpr auto firmware = static_cast<std::uint64_t>(1) << 63;

constexpr std::uint64_t csr_info(unsigned csr, unsigned bits) {
    return csr | (bits - 1) << 12;
}

/// Five counters: hpmcounter4, one of its own, cycle, `time`, a CSR that is no counter.
SbiResult few_counters(const FakeSbiCall& call) {
    if (call.extension == SbiExtension::base) return sbi_success(call.arguments[0] == pmu_number);
    switch (static_cast<SbiPmu>(call.function)) {
        case SbiPmu::num_counters: return sbi_success(6);
        case SbiPmu::counter_get_info:
            switch (call.arguments[0]) {
                case 0: return sbi_success(csr_info(0xc04, 40));
                case 1: return sbi_success(firmware | csr_info(0xc05, 64));
                case 2: return sbi_success(csr_info(0xc00, 64));
                case 3: return sbi_success(csr_info(0xc01, 64));
                case 4: return sbi_success(csr_info(0x300, 64));
                default: return sbi_error(SbiError::invalid_param);
            }
        case SbiPmu::counter_config_matching: return sbi_success(0);
        default: return sbi_success();
    }
}

std::vector<FakeSbiCall> pmu_calls(std::initializer_list<FakeSbiCall> calls) {
    return calls;
}

FakeSbiCall call_of(SbiPmu function, std::array<std::uint64_t, 6> arguments) {
    return {SbiExtension::pmu, static_cast<std::uint64_t>(function), arguments};
}

}  // namespace

TEST_CASE("counters are found by their CSRs", "[hardware_counters]") {
    const FreshFakes fakes;
    CHECK(find_hardware_counters() == HardwareCounters{});  // no PMU in the firmware
    fake_sbi_answer = few_counters;
    const HardwareCounters found = find_hardware_counters();
    CHECK(found.present == 0b1'0001);
    CHECK(found.number[0] == 2);
    CHECK(found.top_bit[0] == 63);
    CHECK(found.number[4] == 0);
    CHECK(found.top_bit[4] == 39);
}

TEST_CASE("the firmware is asked by its numbers and for the guest alone", "[hardware_counters]") {
    const FreshFakes fakes;
    fake_sbi_answer = few_counters;
    const HardwareCounters counters = find_hardware_counters();
    fake_sbi_calls.clear();
    CHECK(configure_hardware_counter(counters, 0b1'0001, 0xff, 0x10009, 7) == 4u);
    // VU, VS inhibited as the guest's U and S; U, S, M always; no start, and the match not skipped.
    // It is cleared once it has stopped.
    CHECK(fake_sbi_calls ==
          pmu_calls({call_of(SbiPmu::counter_config_matching, {0, 0b101, 0xf8, 0x10009, 7, 0}),
                     call_of(SbiPmu::counter_stop, {0, 1, 0}),
                     call_of(SbiPmu::counter_config_matching, {0, 1, 0xfb, 0x10009, 7, 0})}));
    fake_sbi_calls.clear();
    CHECK(configure_hardware_counter(counters, 0b1'0000, 0, 1, 0) == 4u);
    CHECK(fake_sbi_calls.front().arguments == std::array<std::uint64_t, 6>{0, 1, 0xe0, 1, 0, 0});
    CHECK(start_hardware_counter(counters, 0, 99));
    CHECK(fake_sbi_calls.back() == call_of(SbiPmu::counter_start, {2, 1, 1, 99}));
    CHECK(start_hardware_counter(counters, 4, std::nullopt));
    CHECK(fake_sbi_calls.back() == call_of(SbiPmu::counter_start, {0, 1, 0, 0}));
    stop_hardware_counter(counters, 0);
    CHECK(fake_sbi_calls.back() == call_of(SbiPmu::counter_stop, {2, 1, 0}));
}

TEST_CASE("what the firmware answers is not trusted", "[hardware_counters]") {
    const FreshFakes fakes;
    fake_sbi_answer = few_counters;
    const HardwareCounters counters = find_hardware_counters();
    CHECK(configure_hardware_counter(counters, 0b1, 0, 1, 0).error() == SbiError::not_supported);
    CHECK(configure_hardware_counter(counters, 0, 0, 1, 0).error() == SbiError::not_supported);
    fake_sbi_answer = [](const FakeSbiCall&) { return sbi_error(SbiError::not_supported); };
    CHECK(configure_hardware_counter(counters, 1, 0, 1, 0).error() == SbiError::not_supported);
    CHECK(!start_hardware_counter(counters, 0, 0));
    fake_sbi_answer = [](const FakeSbiCall& call) {
        return sbi_success(call.extension == SbiExtension::base ? 1 : ~0ul);
    };
    CHECK(find_hardware_counters().present == 0);  // 2^64 - 1 counters, of which 64 are asked for
}

TEST_CASE("counters that were used are left as they were found", "[hardware_counters]") {
    const FreshFakes fakes;
    fake_sbi_answer = few_counters;
    const HardwareCounters counters = find_hardware_counters();
    fake_sbi_calls.clear();
    release_hardware_counters(counters, 0);
    CHECK(fake_sbi_calls.empty());
    release_hardware_counters(counters, 0b1'0001);
    // cycle counts again, and in every mode.
    CHECK(fake_sbi_calls == pmu_calls({call_of(SbiPmu::counter_stop, {2, 1, 1}),
                                       call_of(SbiPmu::counter_config_matching, {2, 1, 4, 1, 0, 0}),
                                       call_of(SbiPmu::counter_stop, {0, 1, 1})}));
    fake_sbi_answer = [](const FakeSbiCall&) { return sbi_error(SbiError::failed); };
    fake_sbi_calls.clear();
    release_hardware_counters(counters, 0b1);
    CHECK(fake_sbi_calls.back() == call_of(SbiPmu::counter_start, {2, 1, 0, 0}));
}
