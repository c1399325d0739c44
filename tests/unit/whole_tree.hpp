// SPDX-License-Identifier: MIT
// A guest's device tree in one go, which loading a guest writes piece by piece.
#pragma once

#include "kernel/vm/guest_fdt.hpp"

namespace cairn::test {

inline std::expected<std::span<std::byte>, GuestFdtError> write_whole_tree(
    std::span<std::byte> into, const GuestFdtConfig& config) {
    GuestFdtWriter writer(into, config);
    for (;;) {
        const auto written = writer.write_some();
        if (!written) return std::unexpected(written.error());
        if (*written) return **written;
    }
}

}  // namespace cairn::test
