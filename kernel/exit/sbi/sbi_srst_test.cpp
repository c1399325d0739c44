// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Outcome {
    SbiResult result;
    std::optional<StopReason> stopped;
    bool operator==(const Outcome&) const = default;
};

Outcome reset(std::uint64_t type, std::uint64_t reason) {
    GuestBench bench;
    const SbiResult result = bench.call(SbiExtension::srst, SbiSrst::system_reset, type, reason);
    return {result, bench.vm.stopped()};
}

constexpr std::uint64_t shutdown = 0;
constexpr std::uint64_t cold_reboot = 1;
constexpr std::uint64_t warm_reboot = 2;
constexpr std::uint64_t no_reason = 0;
constexpr std::uint64_t system_failure = 1;

const Outcome refused{invalid_param, std::nullopt};

}  // namespace

TEST_CASE("shutdown, and shutdown after a failure", "[sbi_srst]") {
    CHECK(reset(shutdown, no_reason).stopped == StopReason::power_off);
    CHECK(reset(shutdown, system_failure).stopped == StopReason::failed);
}

TEST_CASE("both kinds of reboot are a reset", "[sbi_srst]") {
    for (const std::uint64_t type : {cold_reboot, warm_reboot}) {
        CHECK(reset(type, no_reason).stopped == StopReason::reset);
        CHECK(reset(type, system_failure).stopped == StopReason::failed_reset);
    }
}

TEST_CASE("reserved and vendor-specific types are invalid", "[sbi_srst]") {
    for (const std::uint64_t type : {0x3u, 0xefff'ffffu, 0xf000'0000u, 0xffff'ffffu}) {
        CHECK(reset(type, no_reason) == refused);
    }
}

TEST_CASE("reserved reasons and those of platforms are invalid", "[sbi_srst]") {
    for (const std::uint64_t reason :
         {0x2u, 0x3u, 0xdfff'ffffu, 0xe000'0000u, 0xefff'ffffu, 0xf000'0000u, 0xffff'ffffu}) {
        CHECK(reset(shutdown, reason) == refused);
        CHECK(reset(cold_reboot, reason) == refused);
    }
}

TEST_CASE("type and reason are 32 bits wide", "[sbi_srst]") {
    CHECK(reset(0xffff'ffff'0000'0001, 1ull << 32).stopped == StopReason::reset);
    CHECK(reset(1ull << 32, 1ull << 40 | 1).stopped == StopReason::failed);
}

TEST_CASE("the first reason to stop counts", "[sbi_srst]") {
    GuestBench bench;
    bench.call(SbiExtension::srst, SbiSrst::system_reset, cold_reboot, no_reason);
    bench.call(SbiExtension::srst, SbiSrst::system_reset, shutdown, no_reason);
    CHECK(bench.vm.stopped() == StopReason::reset);
}
