// SPDX-License-Identifier: MIT
// Compiled: for hosted programs alone. It calls the host's library.
// The platform hooks for a hosted program: standard output, and abort after a sentence.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "cairn/platform.hpp"

namespace cairn {

void platform_write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void platform_panic(std::string_view sentence, std::source_location where) {
    std::fflush(stdout);
    std::fprintf(stderr, "panic: %.*s\n  at %s:%u, %s\n", static_cast<int>(sentence.size()),
                 sentence.data(), where.file_name(), static_cast<unsigned>(where.line()),
                 where.function_name());
    std::abort();
}

void platform_random(std::span<std::byte> out) {
    std::random_device device;  // the operating system's generator
    for (std::byte& byte : out)
        byte = static_cast<std::byte>(device());
}

}  // namespace cairn
