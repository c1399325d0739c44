// SPDX-License-Identifier: MIT
// A guest that computes what is known beforehand, and says how long it took by its own time.
// Argument: how many steps. Prints
//
//     compute: 0xRESULT in N ticks
#include <charconv>

#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {

void run(std::string_view arguments) {
    std::uint64_t steps = 0;
    (void)std::from_chars(arguments.data(), arguments.data() + arguments.size(), steps);
    const std::uint64_t begin = csr_read<Csr::time>();
    std::uint64_t x = 1;
    for (; steps > 0; --steps) {
        x = x * 0x5851'f42d'4c95'7f2d + 0x1405'7b7e'f767'814f;
        asm volatile("" : "+r"(x));
    }
    println("compute: {:#x} in {} ticks", x, csr_read<Csr::time>() - begin);
}

}  // namespace cairn::guest
