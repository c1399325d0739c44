// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/print.hpp"

#include <algorithm>
#include <array>

#include "cairn/platform.hpp"

namespace cairn {

void vprint(std::string_view format, const FormatArguments& arguments) {
    BufferedWriter writer(platform_write);
    vformat_to(writer, format, arguments);
    writer.flush();
}

void vprintln(std::string_view format, const FormatArguments& arguments) {
    BufferedWriter writer(platform_write);
    vformat_to(writer, format, arguments);
    writer.write("\n");
    writer.flush();
}

void vpanic(std::string_view format, const FormatArguments& arguments, std::source_location where) {
    constexpr std::string_view ellipsis = "...";
    std::array<char, 256> space;
    SpanWriter writer(space);
    vformat_to(writer, format, arguments);
    if (writer.truncated()) std::ranges::copy(ellipsis, space.end() - ellipsis.size());
    platform_panic(writer.view(), where);
}

}  // namespace cairn
