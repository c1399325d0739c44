// SPDX-License-Identifier: MIT
// Hart masks of SBI calls (SBI specification, "Hart list parameter"): bit n of `mask` names hart
// `base + n`; a base of all ones names every hart.
#pragma once

#include <cstdint>
#include <optional>

namespace cairn {

/// A set of the guest's harts by number, bit n for hart n.
using HartSet = std::uint64_t;

/// The harts that `mask` and `base` name among `count` (1 to 64) harts 0 .. count - 1; nothing
/// where they name one that does not exist ("invalid parameter").
[[nodiscard]] constexpr std::optional<HartSet> select_harts(std::uint64_t mask, std::uint64_t base,
                                                            unsigned count) {
    const HartSet all = ~HartSet{0} >> (64 - count);
    if (base == ~std::uint64_t{0}) return all;
    if (mask == 0) return HartSet{0};
    if (base >= count) return std::nullopt;
    const HartSet selected = mask << base;
    if (selected >> base != mask || (selected & ~all) != 0) return std::nullopt;
    return selected;
}

static_assert(select_harts(0, ~0ull, 1) == HartSet{1});
static_assert(select_harts(1, 0, 1) == HartSet{1});
static_assert(!select_harts(2, 0, 1) && !select_harts(1, 1, 1) && !select_harts(1, 64, 1));
static_assert(select_harts(0, 5, 1) == HartSet{0});
static_assert(select_harts(3, 62, 64) == HartSet{3} << 62 && !select_harts(7, 62, 64));

}  // namespace cairn
