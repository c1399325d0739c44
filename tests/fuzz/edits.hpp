// SPDX-License-Identifier: MIT
// Fuzzer input as edits of a good value: it gets past magics and checks that random bytes fail.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cairn {

/// `good` with a byte replaced for every three bytes of `edits`: the place, high byte first, modulo
/// the size, and the byte. A copy of exactly its size, so that ASan sees one byte too far.
inline std::vector<std::byte> edited(const std::vector<std::byte>& good,
                                     std::span<const std::byte> edits) {
    std::vector<std::byte> bytes(good.begin(), good.end());
    for (; edits.size() >= 3; edits = edits.subspan(3)) {
        const auto place =
            std::to_integer<std::size_t>(edits[0]) << 8 | std::to_integer<std::size_t>(edits[1]);
        bytes[place % bytes.size()] = edits[2];
    }
    return bytes;
}

}  // namespace cairn
