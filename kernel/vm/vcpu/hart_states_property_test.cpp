// SPDX-License-Identifier: MIT
// Histories of a guest's harts beside a model of SBI HSM's state machine.
#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "kernel/vm/vcpu/hart_states.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Hart {
    SbiHartState state = SbiHartState::stopped;
    HartStartArguments arguments{};
};
using Model = std::vector<Hart>;

bool all_stopped(const Model& model, std::optional<std::uint32_t> but = std::nullopt) {
    for (std::uint32_t hart = 0; hart < model.size(); ++hart) {
        if (hart != but && model[hart].state != SbiHartState::stopped) return false;
    }
    return true;
}

void check_same(const HartStates& harts, const Model& model) {
    for (std::uint32_t hart = 0; hart < model.size(); ++hart) {
        const SbiHartState state = model[hart].state;
        RC_ASSERT(harts.state(hart) == state);
        RC_ASSERT(harts.is_running(hart) ==
                  (state == SbiHartState::started || state == SbiHartState::suspended));
        RC_ASSERT(harts.is_alone(hart) == all_stopped(model, hart));
    }
}

/// One transition that `hart` may be in a position to make, by what the model says.
void step(HartStates& harts, Model& model, std::uint32_t hart) {
    Hart& self = model[hart];
    switch (*rc::gen::inRange(0, 6)) {
        case 0: {
            const HartStartArguments arguments{*rc::gen::arbitrary<std::uint64_t>(), hart};
            const bool possible = self.state == SbiHartState::stopped;
            RC_ASSERT(harts.start(hart, arguments) == possible);
            if (possible) self = {SbiHartState::start_pending, arguments};
            return;
        }
        case 1: {
            const auto begun = harts.begin(hart);
            const bool possible = self.state == SbiHartState::start_pending;
            RC_ASSERT(begun == (possible ? std::optional(self.arguments) : std::nullopt));
            if (possible) self.state = SbiHartState::started;
            return;
        }
        case 2:
            if (self.state != SbiHartState::started) return;
            self.state = SbiHartState::stopped;
            RC_ASSERT(harts.stop(hart) == !all_stopped(model));
            return;
        case 3:
            if (self.state != SbiHartState::started) return;
            self.state = SbiHartState::suspended;
            return harts.suspend(hart);
        case 4:
            if (self.state != SbiHartState::suspended) return;
            self.state = SbiHartState::started;
            return harts.resume(hart);
        default:
            if (*rc::gen::inRange(0, 20) != 0) return;
            std::ranges::fill(model, Hart{});
            model[0] = {SbiHartState::start_pending, {.address = 4, .opaque = 2}};
            return harts.power_on({.address = 4, .opaque = 2});
    }
}

}  // namespace

TEST_CASE("any history of harts is the state machine's", "[hart_states_property]") {
    const bool holds = rc::check("against the state machine", [] {
        const auto count = *rc::gen::element<std::uint32_t>(1, 2, 5, HartStates::max_harts);
        HartStates harts(count);
        Model model(count);
        check_same(harts, model);
        for (auto steps = *rc::gen::inRange(0, 200); steps > 0; --steps) {
            step(harts, model, *rc::gen::inRange<std::uint32_t>(0, count));
            check_same(harts, model);
        }
    });
    CHECK(holds);
}
