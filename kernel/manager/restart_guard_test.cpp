// SPDX-License-Identifier: MIT
#include "kernel/manager/restart_guard.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Answer = RestartGuard::Answer;

constexpr std::uint64_t second = 1000;  // ticks

/// What becomes of a VM that has not ended before.
Answer first(RestartPolicy policy, bool has_failed) {
    return RestartGuard{}.ask(policy, has_failed, 0, second);
}

TEST_CASE("the policy says which ends are followed by a start", "[restart_guard]") {
    CHECK(first(RestartPolicy::never, false) == Answer::stay_off);
    CHECK(first(RestartPolicy::never, true) == Answer::stay_off);
    CHECK(first(RestartPolicy::on_failure, false) == Answer::stay_off);
    CHECK(first(RestartPolicy::on_failure, true) == Answer::restart);
    CHECK(first(RestartPolicy::always, false) == Answer::restart);
    CHECK(first(RestartPolicy::always, true) == Answer::restart);
}

TEST_CASE("a VM that ends soon again and again stays off", "[restart_guard]") {
    RestartGuard guard;
    std::uint64_t now = 0;
    for (unsigned restart = 0; restart < 5; ++restart, now += 10 * second)
        CHECK(guard.ask(RestartPolicy::always, true, now, second) == Answer::restart);
    CHECK(guard.ask(RestartPolicy::always, true, now, second) == Answer::too_often);
    CHECK(guard.ask(RestartPolicy::on_failure, false, now, second) == Answer::stay_off);
}

TEST_CASE("a VM that lives longer than that in between is started for ever", "[restart_guard]") {
    RestartGuard guard;
    std::uint64_t now = 0;
    for (unsigned restart = 0; restart < 100; ++restart) {
        CHECK(guard.ask(RestartPolicy::always, true, now, second) == Answer::restart);
        now += restart % 5 == 4 ? 10 * second + 1 : second;
    }
}

}  // namespace
}  // namespace cairn
