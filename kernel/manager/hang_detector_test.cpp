// SPDX-License-Identifier: MIT
#include "kernel/manager/hang_detector.hpp"

#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t period = 1000;
constexpr std::uint64_t timer = 1 << 5;

VcpuLook stuck(std::uint64_t ran, std::uint64_t deadline = 7) {
    return {.pending = timer,
            .deadline = deadline,
            .ran = ran,
            .is_started = true,
            .sleeps = false,
            .takes_interrupts = false};
}

/// A round each 250 ticks, with what `look` says of its number; when it is said to hang, or 0.
template <class Look>
std::uint64_t hangs_at(Look look, std::uint64_t rounds = 40) {
    HangDetector detector;
    for (std::uint64_t n = 1; n <= rounds; ++n) {
        detector.begin_round();
        std::uint32_t cpu = 0;
        for (const VcpuLook& each : look(n))
            detector.take(cpu++, each);
        if (detector.ends_round(n * 250, period)) return n * 250;
    }
    return 0;
}
using Looks = std::vector<VcpuLook>;

TEST_CASE("an interrupt that is not taken for the period is a hang", "[hang_detector]") {
    CHECK(hangs_at([](auto n) { return Looks{stuck(n)}; }) == 1500);
    CHECK(hangs_at([](auto n) { return Looks{stuck(n), {}}; }) == 1500);  // the other is stopped
}

TEST_CASE("what lives in between does not hang", "[hang_detector]") {
    SECTION("its handler moves the deadline") {
        CHECK(hangs_at([](auto n) { return Looks{stuck(n, n)}; }) == 0);
    }
    SECTION("once in a period it takes interrupts") {
        CHECK(hangs_at([](auto n) {
                  VcpuLook look = stuck(n);
                  look.takes_interrupts = n % 4 == 0;
                  return std::array{look};
              }) == 0);
    }
    SECTION("nothing is pending") {
        CHECK(hangs_at([](auto n) {
                  VcpuLook look = stuck(n);
                  look.pending = 0;
                  return std::array{look};
              }) == 0);
    }
    SECTION("another interrupt each time") {
        CHECK(hangs_at([](auto n) {
                  VcpuLook look = stuck(n);
                  look.pending = n % 2 == 0 ? 2 : timer;
                  return std::array{look};
              }) == 0);
    }
    SECTION("no hart has run it") {
        CHECK(hangs_at([](auto) { return Looks{stuck(5)}; }) == 0);
    }
    SECTION("another vCPU does") {
        CHECK(hangs_at([](auto n) { return Looks{stuck(n), stuck(n, n)}; }) == 0);
    }
    SECTION("it sleeps") {
        CHECK(hangs_at([](auto n) {
                  VcpuLook look = stuck(n);
                  look.sleeps = true;
                  return std::array{look};
              }) == 0);
    }
    SECTION("all are stopped") {
        CHECK(hangs_at([](auto) { return Looks{{}, {}}; }) == 0);
    }
}

TEST_CASE("what was before does not count once it is forgotten", "[hang_detector]") {
    HangDetector detector;
    for (std::uint64_t n = 1; n < 40; ++n) {
        detector.begin_round();
        detector.take(0, stuck(n));
        CHECK_FALSE(detector.ends_round(n * 250, period));
        if (n % 5 == 0) detector.forget();
    }
}

TEST_CASE("a look finds what is pending, and whether it is taken", "[hang_detector]") {
    GuestState state;
    state.csrs.vsie = timer;
    state.csrs.vstimecmp = 100;
    state.csrs.sstatus = Sstatus::SPP::of(true);
    CHECK(look_at(state, 99).pending == 0);
    CHECK(look_at(state, 100).pending == timer);
    CHECK_FALSE(look_at(state, 100).takes_interrupts);
    state.csrs.vsstatus = Sstatus::SIE::of(true);
    CHECK(look_at(state, 100).takes_interrupts);
    state.csrs.vsstatus = 0;
    state.csrs.sstatus = 0;  // VU-mode
    CHECK(look_at(state, 100).takes_interrupts);
}

}  // namespace
}  // namespace cairn
