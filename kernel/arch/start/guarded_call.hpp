// SPDX-License-Identifier: MIT
// Trying what the machine may not have, whatever its device tree says: a CSR, an instruction, a
// device. While the host runs; an attempt within an attempt is not possible. Impure; the host build
// takes tests/fakes/kernel/arch/start/guarded_call.hpp instead, by include path.
#pragma once

#include <cstdint>

namespace cairn {

extern "C" std::uint64_t guarded_call(void (*attempt)(std::uint64_t), std::uint64_t argument);

/// Whether `attempt()` runs to its end without a trap. Where it traps it is left there and then:
/// what it has by reference may have changed or not, nothing on its stack is destroyed, and sstatus
/// is what it was before.
template <class Attempt>
[[nodiscard]] bool completes(Attempt attempt) {
    constexpr auto run = [](std::uint64_t self) { (*reinterpret_cast<Attempt*>(self))(); };
    return guarded_call(run, reinterpret_cast<std::uint64_t>(&attempt)) == 0;
}

}  // namespace cairn
