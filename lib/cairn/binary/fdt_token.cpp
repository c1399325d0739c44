// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/binary/fdt_token.hpp"

#include <algorithm>

#include "cairn/bits.hpp"

namespace cairn {
namespace {

/// The NUL-terminated string at `offset`.
std::expected<std::string_view, FdtError> read_name(std::span<const std::byte> bytes,
                                                    std::size_t offset) {
    if (offset >= bytes.size()) return std::unexpected(FdtError::unterminated_name);
    const auto rest = bytes.subspan(offset);
    const std::string_view text{reinterpret_cast<const char*>(rest.data()), rest.size()};
    const std::size_t length = text.find('\0');
    if (length == std::string_view::npos) return std::unexpected(FdtError::unterminated_name);
    return text.substr(0, length);
}

std::expected<FdtToken, FdtError> read_begin_node(FdtBlocks blocks, std::size_t offset) {
    const auto name = read_name(blocks.structure, offset + fdt_tag_size);
    if (!name) return std::unexpected(name.error());
    const auto next = align_up(offset + fdt_tag_size + name->size() + 1, fdt_tag_size);
    if (!next || *next > blocks.structure.size()) {
        return std::unexpected(FdtError::truncated_structure);
    }
    return FdtToken{offset, FdtTag::begin_node, *name, {}, *next};
}

std::expected<FdtToken, FdtError> read_property(FdtBlocks blocks, std::size_t offset) {
    const std::size_t room = blocks.structure.size() - offset;
    if (room < fdt_property_header_size) return std::unexpected(FdtError::truncated_structure);
    const std::size_t length = load_be<std::uint32_t>(blocks.structure, offset + 4);
    const std::size_t name_offset = load_be<std::uint32_t>(blocks.structure, offset + 8);
    // The room is a multiple of 4, so a value that fits has room for its padding.
    if (length > room - fdt_property_header_size) {
        return std::unexpected(FdtError::property_out_of_bounds);
    }
    const auto name = read_name(blocks.strings, name_offset);
    if (!name) return std::unexpected(name.error());
    const std::size_t value = offset + fdt_property_header_size;
    const std::size_t padded = (length + fdt_tag_size - 1) / fdt_tag_size * fdt_tag_size;
    return FdtToken{offset, FdtTag::property, *name, blocks.structure.subspan(value, length),
                    value + padded};
}

}  // namespace

std::expected<FdtToken, FdtError> read_fdt_token(FdtBlocks blocks, std::size_t offset) {
    if (offset >= blocks.structure.size()) return std::unexpected(FdtError::truncated_structure);
    const auto tag = static_cast<FdtTag>(load_be<std::uint32_t>(blocks.structure, offset));
    switch (tag) {
        case FdtTag::begin_node: return read_begin_node(blocks, offset);
        case FdtTag::property: return read_property(blocks, offset);
        case FdtTag::end_node:
        case FdtTag::nop:
        case FdtTag::end: return FdtToken{offset, tag, {}, {}, offset + fdt_tag_size};
    }
    return std::unexpected(FdtError::bad_tag);
}

FdtToken next_fdt_token(FdtBlocks blocks, std::size_t offset) {
    FdtToken token = read_fdt_token(blocks, offset).value_or(FdtToken{});
    while (token.tag == FdtTag::nop) {
        token = read_fdt_token(blocks, token.next).value_or(FdtToken{});
    }
    return token;
}

std::expected<std::size_t, FdtError> check_fdt_structure(FdtBlocks blocks) {
    std::optional<std::size_t> root;
    std::size_t depth = 0;
    bool takes_properties = false;
    std::size_t offset = 0;
    while (true) {
        const auto token = read_fdt_token(blocks, offset);
        if (!token) return std::unexpected(token.error());
        switch (token->tag) {
            case FdtTag::begin_node:
                if (depth == 0 && root) return std::unexpected(FdtError::bad_nesting);
                if (depth == fdt_max_depth) return std::unexpected(FdtError::too_deep);
                if (token->name.empty() != (depth == 0) || !is_fdt_name(token->name)) {
                    return std::unexpected(FdtError::bad_node_name);
                }
                if (depth == 0) root = offset;
                ++depth;
                takes_properties = true;
                break;
            case FdtTag::end_node:
                if (depth == 0) return std::unexpected(FdtError::bad_nesting);
                --depth;
                takes_properties = false;
                break;
            case FdtTag::property:
                if (!takes_properties) return std::unexpected(FdtError::misplaced_property);
                if (token->name.empty() || !is_fdt_name(token->name)) {
                    return std::unexpected(FdtError::bad_property_name);
                }
                break;
            case FdtTag::nop: break;
            case FdtTag::end:
                if (depth != 0 || !root) return std::unexpected(FdtError::bad_nesting);
                return *root;
        }
        offset = token->next;
    }
}

}  // namespace cairn
