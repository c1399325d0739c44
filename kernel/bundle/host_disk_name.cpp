// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/host_disk_name.hpp"

#include <charconv>
#include <system_error>

#include <cairn/print.hpp>

namespace cairn {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view digits) {
    std::uint32_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    return rest == end && error == std::errc{} ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<HostDiskName> parse_host_disk(std::string_view text) {
    if (!text.starts_with(HostDiskName::prefix)) return std::nullopt;
    text.remove_prefix(HostDiskName::prefix.size());
    const std::size_t slash = text.find('/');
    const auto disk = parse_number(text.substr(0, slash));
    if (!disk) return std::nullopt;
    if (slash == std::string_view::npos) return HostDiskName{.disk = *disk};
    const auto partition = parse_number(text.substr(slash + 1));
    if (!partition || *partition == 0) return std::nullopt;
    return HostDiskName{.disk = *disk, .partition = *partition};
}

void format_value(Writer& out, const HostDiskName& name) {
    print(out, "{}{}", HostDiskName::prefix, name.disk);
    if (name.partition != 0) print(out, "/{}", name.partition);
}

}  // namespace cairn
