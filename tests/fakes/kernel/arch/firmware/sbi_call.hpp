// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/firmware/sbi_call.hpp in host tests: a firmware that notes its calls.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel/arch/firmware/sbi.hpp"

namespace cairn {

struct FakeSbiCall {
    SbiExtension extension;
    std::uint64_t function;
    std::array<std::uint64_t, 6> arguments;
    bool operator==(const FakeSbiCall&) const = default;
};
inline thread_local std::vector<FakeSbiCall> fake_sbi_calls;
/// What the firmware answers.
inline thread_local SbiResult (*fake_sbi_answer)(const FakeSbiCall&) = [](const FakeSbiCall&) {
    return sbi_success();
};
/// What else a call does, for tests that play the other harts.
inline thread_local void (*fake_sbi_effect)(const FakeSbiCall&) = [](const FakeSbiCall&) {};

template <class Function, class... Arguments>
SbiResult sbi_call(SbiExtension extension, Function function, Arguments... arguments) {
    fake_sbi_calls.push_back({extension,
                              static_cast<std::uint64_t>(function),
                              {static_cast<std::uint64_t>(arguments)...}});
    fake_sbi_effect(FakeSbiCall(fake_sbi_calls.back()));
    return fake_sbi_answer(FakeSbiCall(fake_sbi_calls.back()));
}

}  // namespace cairn
