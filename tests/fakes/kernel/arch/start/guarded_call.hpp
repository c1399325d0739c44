// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/start/guarded_call.hpp in host tests: what the other fakes have not got
// traps, and such a trap ends the attempt that it happens in. Outside of one it ends the test.
#pragma once

#include <csetjmp>
#include <cstdlib>

namespace cairn {

inline thread_local std::jmp_buf* fake_guard = nullptr;

[[noreturn]] inline void fake_trap() {
    if (fake_guard == nullptr) std::abort();
    std::longjmp(*fake_guard, 1);
}

template <class Attempt>
[[nodiscard]] bool completes(Attempt attempt) {
    std::jmp_buf guard;
    fake_guard = &guard;
    const bool trapped = setjmp(guard) != 0;
    if (!trapped) attempt();
    fake_guard = nullptr;
    return !trapped;
}

}  // namespace cairn
