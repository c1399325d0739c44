// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/hart_states.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr HartStartArguments at{.address = 0x8020'0000, .opaque = 0x1234};
constexpr HartStartArguments elsewhere{.address = 0x8030'0000, .opaque = 0x5678};

}  // namespace

TEST_CASE("power-on: the first hart is about to start, the others are stopped", "[hart_states]") {
    HartStates harts(3);
    harts.power_on(at);
    CHECK(harts.state(0) == SbiHartState::start_pending);
    CHECK(harts.state(1) == SbiHartState::stopped);
    CHECK(harts.state(2) == SbiHartState::stopped);
    CHECK(!harts.is_running(0));
    CHECK(harts.begin(0) == at);
    CHECK(harts.is_running(0));
    CHECK(harts.begin(0) == std::nullopt);
}

TEST_CASE("start: of a stopped hart only, and once", "[hart_states]") {
    HartStates harts(2);
    harts.power_on(at);
    CHECK(harts.begin(0));
    CHECK(!harts.start(0, elsewhere));
    CHECK(harts.begin(1) == std::nullopt);
    CHECK(harts.start(1, elsewhere));
    CHECK(harts.state(1) == SbiHartState::start_pending);
    CHECK(!harts.start(1, at));  // it has been asked for already
    CHECK(harts.begin(1) == elsewhere);
    CHECK(harts.state(1) == SbiHartState::started);
    CHECK(!harts.start(1, at));
    harts.suspend(1);
    CHECK(harts.state(1) == SbiHartState::suspended);
    CHECK(harts.is_running(1));
    CHECK(!harts.start(1, at));
    harts.resume(1);
    CHECK(harts.state(1) == SbiHartState::started);
}

TEST_CASE("stop: tells the last hart that it is the last", "[hart_states]") {
    HartStates harts(3);
    harts.power_on(at);
    CHECK(harts.begin(0));
    CHECK(harts.start(1, at));
    CHECK(harts.stop(0));  // hart 1 is about to start
    CHECK(harts.begin(1));
    harts.suspend(1);
    CHECK(harts.start(0, at));
    CHECK(harts.begin(0));
    CHECK(harts.stop(0));  // hart 1 sleeps, and may start it again
    harts.resume(1);
    CHECK(!harts.stop(1));
    CHECK(harts.state(1) == SbiHartState::stopped);
}

TEST_CASE("power-on forgets everything", "[hart_states]") {
    HartStates harts(2);
    harts.power_on(at);
    CHECK(harts.begin(0));
    CHECK(harts.start(1, at));
    harts.power_on(elsewhere);
    CHECK(harts.state(1) == SbiHartState::stopped);
    CHECK(harts.begin(1) == std::nullopt);
    CHECK(harts.begin(0) == elsewhere);
}
