// SPDX-License-Identifier: MIT
// One token of a device tree's structure block, decoded with every bound checked: the single place
// where the reader turns bytes into structure, before the tree is validated and after.
// Devicetree Specification v0.4, section 5.4.
#pragma once

#include "cairn/base/language.hpp"
#include "cairn/fdt_reader.hpp"

namespace cairn {

struct FdtToken {
    std::size_t offset = 0;
    FdtTag tag = FdtTag::end;
    std::string_view name;             // of a node or property
    std::span<const std::byte> value;  // of a property
    std::size_t next = 0;              // offset of the token that follows
};

/// What a walk needs that only passes: no names are looked for.
struct FdtStep {
    std::size_t offset = 0;
    FdtTag tag = FdtTag::end;
    std::size_t next = 0;  // offset of the token that follows
};

/// The step over the token at `offset` (a multiple of 4) of the structure block.
[[nodiscard]] std::expected<FdtStep, FdtError> read_fdt_step(FdtBlocks blocks, std::size_t offset);

/// The token at `offset` (a multiple of 4) of the structure block; its name may be anything.
[[nodiscard]] std::expected<FdtToken, FdtError> read_fdt_token(FdtBlocks blocks,
                                                               std::size_t offset);

/// The first at or after `offset` that is no NOP; `end` on an error, which a validated tree does
/// not have.
[[nodiscard]] FdtStep next_fdt_step(FdtBlocks blocks, std::size_t offset);
[[nodiscard]] FdtToken next_fdt_token(FdtBlocks blocks, std::size_t offset);

/// Whether the property that begins at `offset`, of a validated tree, has this name.
[[nodiscard]] bool is_fdt_property(FdtBlocks blocks, std::size_t offset, std::string_view name);

/// Whether the structure block is one well-formed tree with one root; the root's offset.
[[nodiscard]] std::expected<std::size_t, FdtError> check_fdt_structure(FdtBlocks blocks);

}  // namespace cairn
