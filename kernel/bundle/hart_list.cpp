// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/hart_list.hpp"

#include <charconv>
#include <system_error>

namespace cairn {

namespace {

using Reason = HartListError::Reason;

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return text.substr(text.size());
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::expected<std::uint32_t, Reason> parse_number(std::string_view text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (rest != end || error == std::errc::invalid_argument) {
        return std::unexpected(Reason::not_a_list);
    }
    if (error != std::errc{} || number >= most_listed_harts) {
        return std::unexpected(Reason::number_range);
    }
    return number;
}

std::expected<HartSet, Reason> parse_part(std::string_view part) {
    const std::size_t dash = part.find('-');
    const auto first = parse_number(trim(part.substr(0, dash)));
    if (!first) return std::unexpected(first.error());
    if (dash == std::string_view::npos) return HartSet{1} << *first;
    const auto last = parse_number(trim(part.substr(dash + 1)));
    if (!last) return std::unexpected(last.error());
    if (*last < *first) return std::unexpected(Reason::backwards);
    return ~HartSet{0} >> (most_listed_harts - 1 - (*last - *first)) << *first;
}

}  // namespace

std::expected<HartSet, HartListError> parse_hart_list(std::string_view text) {
    HartSet harts = 0;
    for (;;) {
        const std::size_t comma = text.find(',');
        const std::string_view part = trim(text.substr(0, comma));
        const auto parsed = parse_part(part);
        if (!parsed) return std::unexpected(HartListError{parsed.error(), part});
        harts |= *parsed;
        if (comma == std::string_view::npos) return harts;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace cairn
