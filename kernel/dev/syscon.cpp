// SPDX-License-Identifier: MIT
#include "kernel/dev/syscon.hpp"

namespace cairn {

static constexpr bool has_width(AccessWidth width) {
    return width == AccessWidth::half || width == AccessWidth::word;
}

std::expected<std::uint64_t, BusError> Syscon::read(std::uint64_t, AccessWidth width) {
    if (!has_width(width)) return std::unexpected(BusError::width);
    return 0;
}

std::expected<void, BusError> Syscon::write(std::uint64_t offset, AccessWidth width,
                                            std::uint64_t value) {
    if (!has_width(width)) return std::unexpected(BusError::width);
    if (offset != 0) return {};

    const auto code =
        static_cast<std::uint16_t>(width == AccessWidth::word ? (value >> 16) & 0xffff : 0);
    switch (static_cast<SysconCommand>(value & 0xffff)) {
        case SysconCommand::fail: events_.power_off(true, code); break;
        case SysconCommand::pass: events_.power_off(false, 0); break;
        case SysconCommand::reset: events_.reset(); break;
    }
    return {};
}

}  // namespace cairn
