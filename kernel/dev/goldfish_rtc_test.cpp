// SPDX-License-Identifier: MIT
#include "kernel/dev/goldfish_rtc.hpp"

#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;
using namespace cairn::test;
using enum goldfish_rtc::Register;

namespace {

constexpr std::uint64_t noon = 0x18a2'b3c4'd5e6'f708;  // some day of 2026

struct Bench final : WallClock, AlarmOwner {
    Bench() { rtc.connect(wire); }
    std::uint64_t now() override { return time; }
    void look_in(std::uint64_t nanoseconds) override { waits.push_back(nanoseconds); }

    std::uint32_t get(goldfish_rtc::Register which) {
        return static_cast<std::uint32_t>(
            rtc.read(static_cast<std::uint64_t>(which), AccessWidth::word).value());
    }
    void set(goldfish_rtc::Register which, std::uint64_t value) {
        REQUIRE(rtc.write(static_cast<std::uint64_t>(which), AccessWidth::word, value));
    }
    std::uint64_t time_of_guest() {
        const std::uint64_t low = get(time_low);
        return std::uint64_t{get(time_high)} << 32 | low;
    }
    void set_alarm(std::uint64_t at) {
        set(alarm_high, at >> 32);
        set(alarm_low, at & 0xffff'ffff);
    }

    std::uint64_t time = noon;
    std::vector<std::uint64_t> waits;
    Wire wire;
    GoldfishRtc rtc{*this, *this};
};

}  // namespace

TEST_CASE("the guest's time is the machine's", "[goldfish_rtc]") {
    Bench bench;
    CHECK(bench.time_of_guest() == noon);
    bench.time += 12'345;
    CHECK(bench.time_of_guest() == noon + 12'345);
}

TEST_CASE("the high word is of the moment when the low one was read", "[goldfish_rtc]") {
    Bench bench;
    bench.time = 0x5'ffff'ffff;
    CHECK(bench.get(time_low) == 0xffff'ffff);
    bench.time += 1;
    CHECK(bench.get(time_high) == 5);
    CHECK(bench.time_of_guest() == 0x6'0000'0000);
}

TEST_CASE("a guest may set its time, which goes on and outlives a reset", "[goldfish_rtc]") {
    Bench bench;
    bench.set(time_high, 1);
    bench.set(time_low, 500);
    CHECK(bench.time_of_guest() == 0x1'0000'01f4);
    bench.time += 7;
    CHECK(bench.time_of_guest() == 0x1'0000'01fb);
    bench.rtc.reset();
    CHECK(bench.time_of_guest() == 0x1'0000'01fb);
    CHECK(bench.time == noon + 7);
}

TEST_CASE("an alarm interrupts when its time has come", "[goldfish_rtc]") {
    Bench bench;
    bench.set(irq_enabled, 1);
    bench.set_alarm(noon + 1000);
    CHECK(bench.waits == std::vector<std::uint64_t>{1000});
    CHECK(bench.get(alarm_status) == 1);
    CHECK((std::uint64_t{bench.get(alarm_high)} << 32 | bench.get(alarm_low)) == noon + 1000);
    bench.time += 999;
    bench.rtc.look();
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.waits.back() == 1);  // it was looked at too early
    bench.time += 1;
    bench.rtc.look();
    CHECK(bench.wire.up);
    CHECK(bench.get(alarm_status) == 0);
    bench.set(clear_interrupt, 1);
    CHECK_FALSE(bench.wire.up);
    bench.rtc.look();
    CHECK_FALSE(bench.wire.up);  // once
    CHECK(bench.waits.size() == 2);
}

TEST_CASE("an alarm of the past goes off at once", "[goldfish_rtc]") {
    Bench bench;
    bench.set_alarm(noon);
    CHECK_FALSE(bench.wire.up);  // nobody has enabled it
    CHECK(bench.waits.empty());
    bench.set(irq_enabled, 1);
    CHECK(bench.wire.up);
    bench.set(irq_enabled, 2);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("an alarm is taken back, by the guest or by a reset", "[goldfish_rtc]") {
    Bench bench;
    bench.set(irq_enabled, 1);
    bench.set_alarm(noon + 10);
    SECTION("by the guest") {
        bench.set(clear_alarm, 0);
    }
    SECTION("by a reset") {
        bench.rtc.reset();
        CHECK(bench.get(irq_enabled) == 0);
        bench.set(irq_enabled, 1);
    }
    CHECK(bench.get(alarm_status) == 0);
    bench.time += 20;
    bench.rtc.look();
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("the alarm follows a time that is set", "[goldfish_rtc]") {
    Bench bench;
    bench.set(irq_enabled, 1);
    bench.set_alarm(noon + 0x1'0000'0000);
    bench.set(time_high, (noon >> 32) + 2);
    CHECK(bench.wire.up);
}

TEST_CASE("registers are words, and others read as 0", "[goldfish_rtc]") {
    Bench bench;
    for (const auto width : {AccessWidth::byte, AccessWidth::half, AccessWidth::dword}) {
        CHECK(bench.rtc.read(0, width).error() == BusError::width);
        CHECK(bench.rtc.write(0, width, 0).error() == BusError::width);
    }
    CHECK(bench.rtc.read(0x20, AccessWidth::word) == 0u);
    CHECK(bench.rtc.write(0xffc, AccessWidth::word, 1));
    bench.set(alarm_status, 1);
    CHECK(bench.get(alarm_status) == 0);
    CHECK(bench.get(clear_alarm) == 0);
    CHECK(bench.get(clear_interrupt) == 0);
    CHECK(bench.time_of_guest() == noon);
}
