// SPDX-License-Identifier: MIT
// The end of a boot that cannot go on because of what it was given: a sentence for the user and a
// failing exit status. A defect of the hypervisor itself is a panic instead.
#pragma once

#include <cairn/print.hpp>
#include "kernel/host/boot/power.hpp"

namespace cairn {

template <Formattable... Args>
[[noreturn]] void stop_machine(FormatString<Args...> format, const Args&... args) {
    print("cairn: ");
    println(format, args...);
    power_off(Outcome::failure);
}

}  // namespace cairn
