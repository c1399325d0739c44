// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/vcpu_pmu.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr CsrCounters cycle_and_instret = 0b101;
constexpr auto timer = SbiFirmwareEvent::set_timer;
constexpr auto timer_number = static_cast<std::uint32_t>(timer);

}  // namespace

TEST_CASE("firmware counters fill what the hart's own leave", "[vcpu_pmu]") {
    VcpuPmu pmu;
    CHECK(pmu.count() == 0);
    pmu.reset(0);
    CHECK(pmu.count() == 16);
    CHECK(!pmu.is_hardware(0));
    pmu.reset(cycle_and_instret);
    CHECK(pmu.count() == 18);
    CHECK(pmu.is_hardware(0));
    CHECK(!pmu.is_hardware(1));
    CHECK(pmu.is_hardware(2));
    CHECK(!pmu.is_hardware(3));
    pmu.reset(~CsrCounters{0b10});
    CHECK(pmu.count() == 47);
    for (unsigned counter = 0; counter < pmu.count(); ++counter)
        CHECK(pmu.is_hardware(counter) == (counter < 32 && counter != 1));
    pmu.reset(CsrCounters{1} << 31);
    CHECK(pmu.count() == 32);
}

TEST_CASE("a set of counters holds nothing but counters", "[vcpu_pmu]") {
    VcpuPmu pmu;
    pmu.reset(cycle_and_instret);
    CHECK(pmu.select(0, 1) == CounterSet{1});
    CHECK(pmu.select(0, 0x3'ffff) == CounterSet{0x3'ffff});
    CHECK(pmu.select(17, 1) == CounterSet{1} << 17);
    CHECK(pmu.select(5, 0b1010) == CounterSet{0b1010} << 5);
    CHECK(!pmu.select(0, 0));
    CHECK(!pmu.select(18, 1));
    CHECK(!pmu.select(0, 0x4'0000));
    CHECK(!pmu.select(17, 3));
    CHECK(!pmu.select(1, 1ull << 63));
    CHECK(!pmu.select(63, 1));
    CHECK(!pmu.select(64, 1));
    CHECK(!pmu.select(~0ull, 1));
}

TEST_CASE("events are counted while a counter of theirs runs", "[vcpu_pmu]") {
    VcpuPmu pmu;
    pmu.reset(0);
    pmu.assign(3, timer_number);
    pmu.count(timer);
    CHECK(pmu.value(3) == 0);
    CHECK(!pmu.counts_fast_calls());
    pmu.start(3);
    CHECK(pmu.counts_fast_calls());
    pmu.count(timer);
    pmu.count(timer);
    pmu.count(SbiFirmwareEvent::ipi_sent);
    CHECK(pmu.value(3) == 2);
    pmu.stop(3);
    CHECK(!pmu.counts_fast_calls());
    pmu.count(timer);
    CHECK(pmu.value(3) == 2);
    pmu.start(3);
    pmu.count(timer);
    CHECK(pmu.value(3) == 3);
}

TEST_CASE("two counters of one event each have their own value", "[vcpu_pmu]") {
    VcpuPmu pmu;
    pmu.reset(0);
    pmu.assign(0, timer_number);
    pmu.assign(1, timer_number);
    pmu.set_value(1, ~0ull);
    pmu.start(0);
    pmu.count(timer);
    pmu.start(1);
    pmu.count(timer);
    CHECK(pmu.value(0) == 2);
    CHECK(pmu.value(1) == 0);  // all 64 bits wide
    pmu.stop(0);
    pmu.count(timer);
    CHECK(pmu.value(0) == 2);
    CHECK(pmu.value(1) == 1);
}

TEST_CASE("a counter that has an event is not given another unless it is named alone",
          "[vcpu_pmu]") {
    VcpuPmu pmu;
    pmu.reset(cycle_and_instret);
    pmu.assign(0, 1);
    CHECK(pmu.available(0b111) == 0b110);
    CHECK(pmu.available(0b001) == 0b001);
    CHECK(pmu.unused_hardware() == 0b100);
    pmu.start(0);
    CHECK(pmu.available(0b001) == 0);
    pmu.stop(0);
    pmu.release(0);
    CHECK(pmu.available(0b111) == 0b111);
    CHECK(pmu.assigned_hardware() == 0);
}

TEST_CASE("a reset forgets everything", "[vcpu_pmu]") {
    VcpuPmu pmu;
    pmu.reset(cycle_and_instret);
    pmu.assign(2, 1);
    pmu.start(2);
    pmu.assign(1, timer_number);
    pmu.set_value(1, 7);
    pmu.start(1);
    pmu.reset(cycle_and_instret);
    CHECK(pmu.value(1) == 0);
    CHECK(pmu.available(0x3'ffff) == 0x3'ffff);
    CHECK(pmu.assigned_hardware() == 0);
    CHECK(!pmu.counts_fast_calls());
    pmu.count(timer);
    CHECK(pmu.value(1) == 0);
}
