// SPDX-License-Identifier: MIT
// The values in a flattened device tree: properties and their shapes (strings, numbers, `reg`).
// Devicetree Specification v0.4, chapter 2.2.4 (property values) and 2.3.5, 2.3.6 (cells, reg). All
// of them point into the tree's bytes and are copied freely.
#pragma once

#include <iterator>
#include <optional>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/fdt_format.hpp"

namespace cairn {

enum class FdtError : std::uint8_t {
    too_short,
    bad_magic,
    truncated,
    bad_version,
    misaligned_block,
    block_out_of_bounds,
    unterminated_reservations,
    truncated_structure,
    bad_tag,
    unterminated_name,
    bad_node_name,
    bad_property_name,
    property_out_of_bounds,
    misplaced_property,
    bad_nesting,
    too_deep,
    no_property,
    bad_cells,
    bad_length,
};

/// One sentence, without a full stop.
[[nodiscard]] std::string_view to_string(FdtError error);

/// The NUL-terminated strings of a property's value, in order; an unterminated rest is left out.
class FdtStrings {
  public:
    class Iterator {
      public:
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(std::string_view rest) : rest_(rest) { take(); }
        [[nodiscard]] std::string_view operator*() const { return current_; }
        Iterator& operator++() { return take(), *this; }
        void operator++(int) { take(); }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return done_; }

      private:
        void take();

        std::string_view rest_;
        std::string_view current_;
        bool done_ = false;
    };

    FdtStrings() = default;
    explicit FdtStrings(std::span<const std::byte> value);
    [[nodiscard]] Iterator begin() const { return Iterator{text_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }
    [[nodiscard]] bool empty() const { return begin() == end(); }
    [[nodiscard]] bool contains(std::string_view string) const;
    /// All of them, each with its NUL.
    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    std::string_view text_;
};

/// A property. The typed readers are empty unless the value has exactly that shape.
struct FdtProperty {
    std::string_view name;
    std::span<const std::byte> value;

    [[nodiscard]] std::optional<std::uint32_t> u32() const;
    [[nodiscard]] std::optional<std::uint64_t> u64() const;
    /// A number of one or two cells.
    [[nodiscard]] std::optional<std::uint64_t> number() const;
    /// The first string.
    [[nodiscard]] std::optional<std::string_view> string() const;
    [[nodiscard]] FdtStrings strings() const { return FdtStrings{value}; }
    /// The number of whole 32-bit cells, and the one at `index` (< cell_count()).
    [[nodiscard]] std::size_t cell_count() const { return value.size() / sizeof(std::uint32_t); }
    [[nodiscard]] std::uint32_t cell(std::size_t index) const;
};

/// How many cells an address and a size take in the `reg` of a node's children.
struct FdtCells {
    std::uint32_t address = 2;  // the defaults of section 2.3.5
    std::uint32_t size = 1;

    bool operator==(const FdtCells&) const = default;
    /// Whether 64 bits hold an address and a size.
    [[nodiscard]] bool is_usable() const { return address <= 2 && size <= 2; }
    /// Of an entry.
    [[nodiscard]] std::size_t bytes() const { return (address + size) * sizeof(std::uint32_t); }
};

struct FdtReg {
    std::uint64_t address = 0;
    std::uint64_t size = 0;  ///< 0 where there is no size cell

    bool operator==(const FdtReg&) const = default;
};

/// The entries of a `reg` whose addresses and sizes are at most two cells.
class FdtRegs {
  public:
    class Iterator {
      public:
        using value_type = FdtReg;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(std::span<const std::byte> rest, FdtCells cells) : rest_(rest), cells_(cells) {}
        [[nodiscard]] FdtReg operator*() const;
        Iterator& operator++();
        void operator++(int) { ++*this; }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return rest_.empty(); }

      private:
        std::span<const std::byte> rest_;
        FdtCells cells_;
    };

    /// `bad_cells` for more than two cells or none at all, `bad_length` for a torn entry.
    [[nodiscard]] static std::expected<FdtRegs, FdtError> over(std::span<const std::byte> value,
                                                               FdtCells cells);
    [[nodiscard]] Iterator begin() const { return {value_, cells_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    FdtRegs(std::span<const std::byte> value, FdtCells cells) : value_(value), cells_(cells) {}
    std::span<const std::byte> value_;
    FdtCells cells_;
};

}  // namespace cairn
