// SPDX-License-Identifier: MIT
#include "cairn/binary/fdt_token.hpp"

#include <cstring>

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

std::expected<FdtStep, FdtError> step_over_begin(FdtBlocks blocks, std::size_t offset) {
    const auto name = read_name(blocks.structure, offset + fdt_tag_size);
    if (!name) return std::unexpected(name.error());
    const auto next = align_up(offset + fdt_tag_size + name->size() + 1, fdt_tag_size);
    if (!next || *next > blocks.structure.size()) {
        return std::unexpected(FdtError::truncated_structure);
    }
    return FdtStep{offset, FdtTag::begin_node, *next};
}

std::size_t property_length(FdtBlocks blocks, std::size_t offset) {
    return load_be<std::uint32_t>(blocks.structure, offset + 4);
}

std::size_t property_name_offset(FdtBlocks blocks, std::size_t offset) {
    return load_be<std::uint32_t>(blocks.structure, offset + 8);
}

std::expected<FdtStep, FdtError> step_over_property(FdtBlocks blocks, std::size_t offset) {
    const std::size_t room = blocks.structure.size() - offset;
    if (room < fdt_property_header_size) return std::unexpected(FdtError::truncated_structure);
    const std::size_t length = property_length(blocks, offset);
    // The room is a multiple of 4, so a value that fits has room for its padding.
    if (length > room - fdt_property_header_size) {
        return std::unexpected(FdtError::property_out_of_bounds);
    }
    const std::size_t padded = (length + fdt_tag_size - 1) / fdt_tag_size * fdt_tag_size;
    return FdtStep{offset, FdtTag::property, offset + fdt_property_header_size + padded};
}

}  // namespace

std::expected<FdtStep, FdtError> read_fdt_step(FdtBlocks blocks, std::size_t offset) {
    if (offset >= blocks.structure.size()) return std::unexpected(FdtError::truncated_structure);
    const auto tag = static_cast<FdtTag>(load_be<std::uint32_t>(blocks.structure, offset));
    switch (tag) {
        case FdtTag::begin_node: return step_over_begin(blocks, offset);
        case FdtTag::property: return step_over_property(blocks, offset);
        case FdtTag::end_node:
        case FdtTag::nop:
        case FdtTag::end: return FdtStep{offset, tag, offset + fdt_tag_size};
    }
    return std::unexpected(FdtError::bad_tag);
}

std::expected<FdtToken, FdtError> read_fdt_token(FdtBlocks blocks, std::size_t offset) {
    const auto step = read_fdt_step(blocks, offset);
    if (!step) return std::unexpected(step.error());
    FdtToken token{offset, step->tag, {}, {}, step->next};
    if (step->tag != FdtTag::begin_node && step->tag != FdtTag::property) return token;
    const bool is_node = step->tag == FdtTag::begin_node;
    const auto name = is_node ? read_name(blocks.structure, offset + fdt_tag_size)
                              : read_name(blocks.strings, property_name_offset(blocks, offset));
    if (!name) return std::unexpected(name.error());
    token.name = *name;
    if (is_node) return token;
    token.value = blocks.structure.subspan(offset + fdt_property_header_size,
                                           property_length(blocks, offset));
    return token;
}

FdtStep next_fdt_step(FdtBlocks blocks, std::size_t offset) {
    FdtStep step = read_fdt_step(blocks, offset).value_or(FdtStep{});
    while (step.tag == FdtTag::nop)
        step = read_fdt_step(blocks, step.next).value_or(FdtStep{});
    return step;
}

FdtToken next_fdt_token(FdtBlocks blocks, std::size_t offset) {
    const FdtStep step = next_fdt_step(blocks, offset);
    return read_fdt_token(blocks, step.offset).value_or(FdtToken{});
}

bool is_fdt_property(FdtBlocks blocks, std::size_t offset, std::string_view name) {
    const std::size_t at = property_name_offset(blocks, offset);
    if (at >= blocks.strings.size() || blocks.strings.size() - at <= name.size()) return false;
    const std::byte* const found = &blocks.strings[at];
    return found[name.size()] == std::byte{0} && std::memcmp(found, name.data(), name.size()) == 0;
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
