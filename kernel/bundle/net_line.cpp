// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/net_line.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <cairn/byte_size.hpp>

namespace cairn {
namespace {

constexpr std::string_view a_switch = "switch:";
constexpr std::string_view isolated = "isolated";
constexpr std::string_view rate_option = "rate=";
constexpr std::string_view mac_option = "mac=";
constexpr std::uint64_t least_rate = 1 << 10;
constexpr std::size_t longest_name = 32;
constexpr int hexadecimal = 16;

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The part before the next comma, which `text` loses with it; behind the last it is nowhere.
std::string_view take_part(std::string_view& text) {
    const std::size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    return part;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

/// Six bytes of two digits, with colons between them.
std::optional<MacAddress> parse_address(std::string_view text) {
    constexpr std::size_t stride = 3;
    MacAddress address;
    if (text.size() != address.bytes.size() * stride - 1) return std::nullopt;
    for (std::size_t n = 0; n < address.bytes.size(); ++n) {
        const char* const digits = text.data() + n * stride;
        const auto [end, error] =
            std::from_chars(digits, digits + 2, address.bytes[n], hexadecimal);
        if (error != std::errc{} || end != digits + 2) return std::nullopt;
        if (n + 1 < address.bytes.size() && *end != ':') return std::nullopt;
    }
    if (address.is_group() || address == MacAddress{}) return std::nullopt;
    return address;
}

std::expected<void, NetLineError> set_option(NetLine& line, std::string_view part) {
    const std::size_t equals = part.find('=');
    bool is_repeated = false;
    if (part == isolated) {
        is_repeated = std::exchange(line.is_isolated, true);
    } else if (part.starts_with(rate_option)) {
        const std::string_view text = part.substr(equals + 1);
        const auto rate = parse_byte_size(text);
        if (!rate || *rate < least_rate)
            return std::unexpected(NetLineError{NetLineFault::bad_rate, text});
        is_repeated = std::exchange(line.rate, *rate) != 0;
    } else if (part.starts_with(mac_option)) {
        const std::string_view text = part.substr(equals + 1);
        is_repeated = line.mac.has_value();
        line.mac = parse_address(text);
        if (!line.mac) return std::unexpected(NetLineError{NetLineFault::bad_address, text});
    } else {
        return std::unexpected(NetLineError{NetLineFault::bad_option, part});
    }
    if (!is_repeated) return {};
    return std::unexpected(NetLineError{NetLineFault::repeated, part.substr(0, equals)});
}

}  // namespace

std::expected<NetLine, NetLineError> parse_net_line(std::string_view value) {
    std::string_view rest = value;
    NetLine line{.wire = take_part(rest), .mac = {}};
    line.is_uplink = line.wire == uplink_name;
    const bool is_switch =
        line.wire.starts_with(a_switch) && is_name(line.wire.substr(a_switch.size()));
    if (!line.is_uplink && !is_switch)
        return std::unexpected(NetLineError{NetLineFault::no_wire, line.wire});
    while (rest.data() != nullptr) {  // also where the last part is empty
        if (const auto set = set_option(line, take_part(rest)); !set)
            return std::unexpected(set.error());
    }
    return line;
}

}  // namespace cairn
