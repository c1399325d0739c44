// SPDX-License-Identifier: MIT
// What the library asks of its platform, by Linux's system calls.
#include "tests/guests/linux_program.hpp"

#include <source_location>
#include <string_view>

#include <cairn/platform.hpp>

using namespace linux_program;

namespace cairn {

void platform_write(std::string_view text) {
    call(Syscall::write, 1, text.data(), text.size());
}
void platform_panic(std::string_view, std::source_location) {
    for (;;)
        call(Syscall::exit, 1);
}

}  // namespace cairn
