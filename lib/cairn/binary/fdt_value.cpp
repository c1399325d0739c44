// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/binary/fdt_value.hpp"

#include <algorithm>

namespace cairn {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The number in `cells` (0 to 2) cells at the start of `bytes`.
std::uint64_t load_cells(std::span<const std::byte> bytes, std::uint32_t cells) {
    if (cells == 0) return 0;
    return cells == 1 ? load_be<std::uint32_t>(bytes, 0) : load_be<std::uint64_t>(bytes, 0);
}

}  // namespace

std::string_view to_string(FdtError error) {
    switch (error) {
        case FdtError::too_short: return "the device tree is shorter than its header";
        case FdtError::bad_magic: return "the device tree does not start with 0xd00dfeed";
        case FdtError::truncated: return "the device tree is shorter than its header says";
        case FdtError::bad_version: return "the device tree's format is not version 17";
        case FdtError::misaligned_block: return "a block of the device tree is misaligned";
        case FdtError::block_out_of_bounds: return "a block of the device tree lies outside it";
        case FdtError::unterminated_reservations:
            return "the device tree's memory reservations do not end";
        case FdtError::truncated_structure: return "the device tree's structure ends in the middle";
        case FdtError::bad_tag: return "the device tree's structure has an unknown tag";
        case FdtError::unterminated_name: return "a name in the device tree does not end";
        case FdtError::bad_node_name: return "a node of the device tree has an impossible name";
        case FdtError::bad_property_name:
            return "a property of the device tree has an impossible name";
        case FdtError::property_out_of_bounds:
            return "a property of the device tree lies outside it";
        case FdtError::misplaced_property:
            return "a property of the device tree stands outside a node or after a child node";
        case FdtError::bad_nesting:
            return "the nodes of the device tree do not nest under a single root";
        case FdtError::too_deep: return "the nodes of the device tree nest deeper than 32";
        case FdtError::no_property: return "the device tree lacks a property";
        case FdtError::bad_cells:
            return "a reg of the device tree has more cells than 64 bits hold";
        case FdtError::bad_length: return "a reg of the device tree has no whole number of entries";
    }
    return "the device tree is unusable";
}

FdtStrings::FdtStrings(std::span<const std::byte> value) : text_(as_text(value)) {}

void FdtStrings::Iterator::take() {
    const std::size_t length = rest_.find('\0');
    if (length == std::string_view::npos) {
        done_ = true;
        return;
    }
    current_ = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
}

bool FdtStrings::contains(std::string_view string) const {
    for (const std::string_view candidate : *this) {
        if (candidate == string) return true;
    }
    return false;
}

std::optional<std::uint32_t> FdtProperty::u32() const {
    if (value.size() != sizeof(std::uint32_t)) return std::nullopt;
    return load_be<std::uint32_t>(value, 0);
}

std::optional<std::uint64_t> FdtProperty::u64() const {
    if (value.size() != sizeof(std::uint64_t)) return std::nullopt;
    return load_be<std::uint64_t>(value, 0);
}

std::optional<std::uint64_t> FdtProperty::number() const {
    if (const auto small = u32()) return *small;
    return u64();
}

std::optional<std::string_view> FdtProperty::string() const {
    const FdtStrings::Iterator first = strings().begin();
    if (first == FdtStrings::end()) return std::nullopt;
    return *first;
}

std::uint32_t FdtProperty::cell(std::size_t index) const {
    return load_be<std::uint32_t>(value, index * sizeof(std::uint32_t));
}

std::expected<FdtRegs, FdtError> FdtRegs::over(std::span<const std::byte> value, FdtCells cells) {
    if (!cells.is_usable() || cells.bytes() == 0) return std::unexpected(FdtError::bad_cells);
    if (value.size() % cells.bytes() != 0) return std::unexpected(FdtError::bad_length);
    return FdtRegs{value, cells};
}

FdtReg FdtRegs::Iterator::operator*() const {
    const std::size_t address_bytes = cells_.address * sizeof(std::uint32_t);
    return {load_cells(rest_, cells_.address),
            load_cells(rest_.subspan(address_bytes), cells_.size)};
}

FdtRegs::Iterator& FdtRegs::Iterator::operator++() {
    rest_ = rest_.subspan(cells_.bytes());
    return *this;
}

}  // namespace cairn
