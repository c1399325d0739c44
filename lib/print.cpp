// SPDX-License-Identifier: MIT
#include "lib/print.hpp"

#include <algorithm>

#include "lib/platform.hpp"

namespace cairn {

void ConsoleWriter::write(std::string_view text) {
    while (!text.empty()) {
        const std::size_t count = std::min(text.size(), buffer_.size() - used_);
        std::copy_n(text.data(), count, buffer_.data() + used_);
        used_ += count;
        text.remove_prefix(count);
        if (used_ == buffer_.size()) flush();
    }
}

void ConsoleWriter::flush() {
    if (used_ != 0) platform_write({buffer_.data(), used_});
    used_ = 0;
}

void vprint(std::string_view format, const FormatArguments& arguments) {
    ConsoleWriter writer;
    vformat_to(writer, format, arguments);
    writer.flush();
}

void vprintln(std::string_view format, const FormatArguments& arguments) {
    ConsoleWriter writer;
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
