// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/fdt_reader.hpp"

#include "cairn/binary/fdt_token.hpp"
#include "cairn/bits.hpp"

namespace cairn {
namespace {

std::uint32_t header_field(std::span<const std::byte> bytes, FdtHeaderField field) {
    return load_be<std::uint32_t>(bytes, static_cast<std::size_t>(field));
}

std::expected<void, FdtError> check_header(std::span<const std::byte> bytes) {
    if (bytes.size() < fdt_header_size) return std::unexpected(FdtError::too_short);
    if (header_field(bytes, FdtHeaderField::magic) != fdt_magic) {
        return std::unexpected(FdtError::bad_magic);
    }
    const std::size_t total = header_field(bytes, FdtHeaderField::total_size);
    if (total > bytes.size() || total < fdt_header_size) {
        return std::unexpected(FdtError::truncated);
    }
    if (header_field(bytes, FdtHeaderField::version) < fdt_version ||
        header_field(bytes, FdtHeaderField::last_version) > fdt_version) {
        return std::unexpected(FdtError::bad_version);
    }
    return {};
}

/// `size` bytes from `offset`, behind the header.
std::expected<std::span<const std::byte>, FdtError> block(std::span<const std::byte> bytes,
                                                          std::size_t offset, std::size_t size,
                                                          std::size_t alignment) {
    if (!is_aligned(offset, alignment) || !is_aligned(size, alignment)) {
        return std::unexpected(FdtError::misaligned_block);
    }
    if (offset < fdt_header_size || offset > bytes.size() || size > bytes.size() - offset) {
        return std::unexpected(FdtError::block_out_of_bounds);
    }
    return bytes.subspan(offset, size);
}

FdtReg reservation_at(std::span<const std::byte> reservations, std::size_t offset) {
    return {load_be<std::uint64_t>(reservations, offset),
            load_be<std::uint64_t>(reservations, offset + sizeof(std::uint64_t))};
}

/// The memory reservation block (section 5.3), which only its terminator ends.
std::expected<std::span<const std::byte>, FdtError> find_reservations(
    std::span<const std::byte> bytes) {
    const std::size_t start = header_field(bytes, FdtHeaderField::reservation_offset);
    const auto rest = block(bytes, start, 0, sizeof(std::uint64_t));
    if (!rest) return rest;
    const auto tail = bytes.subspan(start);
    for (std::size_t offset = 0; tail.size() - offset >= fdt_reservation_size;
         offset += fdt_reservation_size) {
        if (reservation_at(tail, offset) == FdtReg{}) return tail.first(offset);
    }
    return std::unexpected(FdtError::unterminated_reservations);
}

/// The node at `path` ("/a/b@1"; empty components do not count) below `from`.
std::optional<FdtNode> descend(FdtNode from, std::string_view path) {
    std::optional<FdtNode> node = from;
    while (node && !path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view component = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (!component.empty()) node = node->child(component);
    }
    return node;
}

}  // namespace

std::expected<Fdt, FdtError> Fdt::parse(std::span<const std::byte> bytes) {
    if (const auto header = check_header(bytes); !header) return std::unexpected(header.error());
    Fdt fdt;
    fdt.bytes_ = bytes.first(header_field(bytes, FdtHeaderField::total_size));
    fdt.boot_cpu_ = header_field(bytes, FdtHeaderField::boot_cpu);
    const auto reservations = find_reservations(fdt.bytes_);
    if (!reservations) return std::unexpected(reservations.error());
    fdt.reservations_ = *reservations;
    const auto structure = block(fdt.bytes_, header_field(bytes, FdtHeaderField::structure_offset),
                                 header_field(bytes, FdtHeaderField::structure_size), fdt_tag_size);
    if (!structure) return std::unexpected(structure.error());
    const auto strings = block(fdt.bytes_, header_field(bytes, FdtHeaderField::strings_offset),
                               header_field(bytes, FdtHeaderField::strings_size), 1);
    if (!strings) return std::unexpected(strings.error());
    const FdtBlocks blocks{*structure, *strings};
    const auto root = check_fdt_structure(blocks);
    if (!root) return std::unexpected(root.error());
    fdt.root_ = FdtNode{blocks, *root, {}};
    return fdt;
}

std::optional<FdtNode> Fdt::find(std::string_view path) const {
    if (path.starts_with('/')) return descend(root_, path);
    const std::size_t slash = path.find('/');
    const auto aliases = root_.child("aliases");
    if (!aliases) return std::nullopt;
    const auto target = aliases->string(path.substr(0, slash));
    if (!target || !target->starts_with('/')) return std::nullopt;
    const auto node = descend(root_, *target);
    if (!node || slash == std::string_view::npos) return node;
    return descend(*node, path.substr(slash));
}

std::optional<FdtNode> Fdt::find_compatible(std::string_view with) const {
    for (const FdtNode& node : nodes()) {
        if (node.is_compatible(with)) return node;
    }
    return std::nullopt;
}

std::optional<FdtNode> Fdt::find_phandle(std::uint32_t phandle) const {
    for (const FdtNode& node : nodes()) {
        if (node.phandle() == phandle) return node;
    }
    return std::nullopt;
}

/// Nodes lie in order. The end for a node of another tree.
FdtNodes::Iterator Fdt::place(const FdtNode& node) const {
    FdtNodes::Iterator at = nodes().begin();
    while (at != FdtNodes::end() && at->offset() < node.offset())
        ++at;
    return at;
}

std::optional<FdtNode> Fdt::parent(const FdtNode& node) const {
    const FdtNodes::Iterator at = place(node);
    return at != FdtNodes::end() && *at == node ? at.parent() : std::nullopt;
}

std::optional<std::uint64_t> Fdt::translate(const FdtNode& node, std::uint64_t address) const {
    const FdtNodes::Iterator at = place(node);
    return at != FdtNodes::end() && *at == node ? at.translate(address) : std::nullopt;
}

std::size_t Fdt::reservation_count() const {
    return reservations_.size() / fdt_reservation_size;
}

FdtReg Fdt::reservation(std::size_t index) const {
    return reservation_at(reservations_, index * fdt_reservation_size);
}

}  // namespace cairn
