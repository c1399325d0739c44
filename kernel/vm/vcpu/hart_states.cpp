// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/hart_states.hpp"

#include <algorithm>
#include <span>

namespace cairn {

void HartStates::stop_all() {
    for (auto& state : states_)
        state.store(SbiHartState::stopped, std::memory_order_seq_cst);
}

void HartStates::set(std::uint32_t hart, SbiHartState state) {
    const SpinGuard guard(lock_);
    states_[hart].store(state, std::memory_order_seq_cst);
}

void HartStates::power_on(HartStartArguments boot) {
    const SpinGuard guard(lock_);
    stop_all();
    arguments_[0] = boot;
    states_[0].store(SbiHartState::start_pending, std::memory_order_seq_cst);
}

bool HartStates::start(std::uint32_t hart, HartStartArguments arguments) {
    const SpinGuard guard(lock_);
    if (state(hart) != SbiHartState::stopped) return false;
    arguments_[hart] = arguments;
    states_[hart].store(SbiHartState::start_pending, std::memory_order_seq_cst);
    return true;
}

std::optional<HartStartArguments> HartStates::begin(std::uint32_t hart) {
    if (state(hart) != SbiHartState::start_pending) return std::nullopt;
    const SpinGuard guard(lock_);
    states_[hart].store(SbiHartState::started, std::memory_order_seq_cst);
    // Who has seen `stopped` has stored before what the hart is going to look at from here on.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return arguments_[hart];
}

bool HartStates::stop(std::uint32_t hart) {
    const SpinGuard guard(lock_);
    states_[hart].store(SbiHartState::stopped, std::memory_order_seq_cst);
    return std::ranges::any_of(std::span(states_).first(count_), [](const auto& state) {
        return state.load(std::memory_order_seq_cst) != SbiHartState::stopped;
    });
}

bool HartStates::is_alone(std::uint32_t hart) const {
    for (std::uint32_t other = 0; other < count_; ++other) {
        if (other != hart && state(other) != SbiHartState::stopped) return false;
    }
    return true;
}

}  // namespace cairn
