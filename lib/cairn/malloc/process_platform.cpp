// SPDX-License-Identifier: MIT
// The platform hooks of a library that stands behind malloc: nothing here may allocate, so no
// stdio.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "cairn/panic.hpp"
#include "cairn/writer.hpp"

namespace cairn {

void platform_write(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
        if (count < 0 && errno != EINTR) return;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void platform_panic(std::string_view sentence, std::source_location /*where*/) {
    FixedBuffer<512> line;  // in one piece, whoever else writes
    line.write(sentence);
    line.write("\n");
    platform_write(line.view());
    std::abort();
}

}  // namespace cairn

/// What libstdc++'s headers call where a position lies outside a string; not exported.
void std::__throw_out_of_range_fmt(const char* format, ...) {
    cairn::panic(format);
}
