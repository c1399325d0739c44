// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/commands/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace cairn {
namespace {

std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

std::size_t count_words(std::string_view text) {
    std::size_t count = 0;
    while (!take_word(text).empty())
        ++count;
    return count;
}

}  // namespace

CommandLine parse_command_line(std::string_view line) {
    CommandLine parsed;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
        if (word == json_option) {
            parsed.json = true;
        } else if (!parsed.words.try_push_back(word)) {
            parsed.too_long = true;
        }
    }
    return parsed;
}

bool takes_arguments(std::string_view usage, std::size_t count) {
    if (count == count_words(usage)) return true;
    for (std::size_t at = usage.find('['); at != std::string_view::npos;
         at = usage.find('[', at + 1))
        if (count == count_words(usage.substr(0, at))) return true;
    return false;
}

std::string_view argument_kind(std::string_view usage, std::size_t index) {
    std::string_view word = take_word(usage);
    for (; index != 0; --index)
        word = take_word(usage);
    if (word.starts_with('[')) word.remove_prefix(1);
    while (word.ends_with(']'))
        word.remove_suffix(1);
    return word;
}

std::optional<VcpuName> parse_vcpu_name(std::string_view text) {
    const std::size_t point = text.rfind('.');
    if (point == std::string_view::npos || point == 0) return std::nullopt;
    std::uint32_t cpu = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + point + 1, end, cpu);
    if (rest != end || error != std::errc{}) return std::nullopt;
    return VcpuName{text.substr(0, point), cpu};
}

Completion complete_word(std::span<const std::string_view> words, std::string_view start) {
    Completion found;
    for (const std::string_view word : words) {
        if (!word.starts_with(start)) continue;
        const std::string_view own = word.substr(start.size());
        if (found.count++ == 0) {
            found.rest = own;
        } else {
            const auto same = std::ranges::mismatch(found.rest, own).in1 - found.rest.begin();
            found.rest = found.rest.substr(0, static_cast<std::size_t>(same));
        }
    }
    return found;
}

}  // namespace cairn
