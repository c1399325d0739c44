// SPDX-License-Identifier: MIT
#include "kernel/manager/restart_guard.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t second = 1000;  // ticks

TEST_CASE("a VM that ends soon again and again stays off", "[restart_guard]") {
    RestartGuard guard;
    std::uint64_t now = 0;
    for (unsigned restart = 0; restart < 5; ++restart, now += 10 * second)
        CHECK(guard.may_restart(now, second));
    CHECK_FALSE(guard.may_restart(now, second));
    CHECK_FALSE(guard.may_restart(now, second));
}

TEST_CASE("a VM that lives longer than that in between is started for ever", "[restart_guard]") {
    RestartGuard guard;
    std::uint64_t now = 0;
    for (unsigned restart = 0; restart < 100; ++restart) {
        CHECK(guard.may_restart(now, second));
        now += restart % 5 == 4 ? 10 * second + 1 : second;
    }
}

}  // namespace
}  // namespace cairn
