// SPDX-License-Identifier: MIT
// A reader of flattened device trees (Devicetree Specification v0.4, chapter 5) where they lie.
// The bytes are hostile: `Fdt::parse` checks header, bounds, nesting, names and properties once;
// after that no walk leaves the blob. Nothing is allocated. Every value handed out (names, spans,
// nodes) points into the blob, which must outlive it and must not change. No locking: read-only.
//
//     header ─┬─► memory reservations   (address, size) ... (0, 0)
//             ├─► structure             BEGIN "" PROP ... BEGIN "cpus" PROP ... END END END-OF-TREE
//             └─► strings               "compatible\0reg\0..." (names of properties)
//
// Refused: format versions other than 17-compatible, nesting deeper than `fdt_max_depth`,
// unprintable names, properties after a child. Not judged: bytes between and behind the blocks,
// duplicate names (the first counts).
#pragma once

#include <array>

#include "cairn/binary/fdt_value.hpp"

namespace cairn {

/// The two blocks a walk needs; checked.
struct FdtBlocks {
    std::span<const std::byte> structure;
    std::span<const std::byte> strings;
};

class FdtProperties;
class FdtChildren;

/// A node: a place in the tree, copied freely.
class FdtNode {
  public:
    FdtNode() = default;
    FdtNode(FdtBlocks blocks, std::size_t offset, FdtCells cells)
        : blocks_(blocks), offset_(offset), cells_(cells) {}

    /// The whole name ("serial@10000000"; empty for the root) and its two parts.
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] std::string_view base_name() const;
    [[nodiscard]] std::string_view unit_address() const;

    [[nodiscard]] FdtProperties properties() const;
    [[nodiscard]] FdtChildren children() const;
    [[nodiscard]] std::optional<FdtProperty> property(std::string_view name) const;
    /// The first child with this name; without an '@' in `name` unit addresses are not compared.
    [[nodiscard]] std::optional<FdtNode> child(std::string_view name) const;

    // Shorthands: empty where the property is missing or has another shape.
    [[nodiscard]] std::optional<std::uint32_t> u32(std::string_view property_name) const;
    [[nodiscard]] std::optional<std::string_view> string(std::string_view property_name) const;

    [[nodiscard]] bool is_compatible(std::string_view with) const;
    /// Section 2.3.4: no `status`, or "okay" (or the old "ok").
    [[nodiscard]] bool is_enabled() const;
    /// `phandle`, or the old `linux,phandle`.
    [[nodiscard]] std::optional<std::uint32_t> phandle() const;
    /// `reg` as the parent bus sees it; for the machine's addresses see `Fdt::translate`.
    [[nodiscard]] std::expected<FdtRegs, FdtError> reg() const;
    /// The cells of this node's own `reg`, and of its children's.
    [[nodiscard]] FdtCells cells() const { return cells_; }
    [[nodiscard]] FdtCells child_cells() const;

    [[nodiscard]] std::size_t offset() const { return offset_; }
    [[nodiscard]] FdtBlocks blocks() const { return blocks_; }
    /// Same place; only meaningful for two nodes of one tree.
    [[nodiscard]] bool operator==(const FdtNode& other) const { return offset_ == other.offset_; }

  private:
    FdtBlocks blocks_;
    std::size_t offset_ = 0;  // of its BEGIN_NODE in the structure block
    FdtCells cells_;
};

class FdtProperties {
  public:
    class Iterator {
      public:
        using value_type = FdtProperty;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(FdtBlocks blocks, std::size_t offset) : blocks_(blocks), next_(offset) { take(); }
        [[nodiscard]] const FdtProperty& operator*() const { return current_; }
        [[nodiscard]] const FdtProperty* operator->() const { return &current_; }
        Iterator& operator++() { return take(), *this; }
        void operator++(int) { take(); }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return done_; }

      private:
        void take();

        FdtBlocks blocks_;
        std::size_t next_ = 0;
        FdtProperty current_;
        bool done_ = false;
    };

    explicit FdtProperties(FdtNode node) : node_(node) {}
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    FdtNode node_;
};

class FdtChildren {
  public:
    class Iterator {
      public:
        using value_type = FdtNode;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(FdtNode parent);
        [[nodiscard]] const FdtNode& operator*() const { return current_; }
        [[nodiscard]] const FdtNode* operator->() const { return &current_; }
        Iterator& operator++();
        void operator++(int) { ++*this; }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return done_; }

      private:
        void take(std::size_t offset);

        FdtNode current_;
        bool done_ = false;
    };

    explicit FdtChildren(FdtNode parent) : parent_(parent) {}
    [[nodiscard]] Iterator begin() const { return Iterator{parent_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    FdtNode parent_;
};

/// Every node, depth first, parents before children.
class FdtNodes {
  public:
    class Iterator {
      public:
        using value_type = FdtNode;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(FdtNode root) : current_(root) {}
        [[nodiscard]] const FdtNode& operator*() const { return current_; }
        [[nodiscard]] const FdtNode* operator->() const { return &current_; }
        Iterator& operator++();
        void operator++(int) { ++*this; }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return done_; }
        /// The root is 0.
        [[nodiscard]] std::size_t depth() const { return depth_; }
        /// Nothing for the root.
        [[nodiscard]] std::optional<FdtNode> parent() const;
        /// As `Fdt::translate`, without a search for the node's buses.
        [[nodiscard]] std::optional<std::uint64_t> translate(std::uint64_t address) const;

      private:
        /// A node above the current one.
        struct Ancestor {
            std::size_t offset;
            FdtCells child_cells;
        };
        [[nodiscard]] FdtNode ancestor(std::size_t depth) const;

        FdtNode current_;
        std::size_t depth_ = 0;
        std::array<Ancestor, fdt_max_depth> ancestors_{};  // by depth
        bool done_ = false;
    };

    explicit FdtNodes(FdtNode root) : root_(root) {}
    [[nodiscard]] Iterator begin() const { return Iterator{root_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    FdtNode root_;
};

class Fdt {
  public:
    /// Checks everything; bytes after the blob's own total size are ignored.
    [[nodiscard]] static std::expected<Fdt, FdtError> parse(std::span<const std::byte> bytes);

    [[nodiscard]] FdtNode root() const { return root_; }
    [[nodiscard]] FdtNodes nodes() const { return FdtNodes{root_}; }
    /// By path ("/soc/serial@10000000", or "/soc/serial" where that is enough), or by a path whose
    /// first component is an alias ("serial0").
    [[nodiscard]] std::optional<FdtNode> find(std::string_view path) const;
    /// The first node, enabled or not, that is compatible with `with`.
    [[nodiscard]] std::optional<FdtNode> find_compatible(std::string_view with) const;
    [[nodiscard]] std::optional<FdtNode> find_phandle(std::uint32_t phandle) const;
    /// Nothing for the root.
    [[nodiscard]] std::optional<FdtNode> parent(const FdtNode& node) const;
    /// An address of `node`'s parent bus as the root (the CPU) sees it, through every `ranges` on
    /// the way (section 2.3.8); nothing where a bus is not mapped there.
    [[nodiscard]] std::optional<std::uint64_t> translate(const FdtNode& node,
                                                         std::uint64_t address) const;

    /// The memory reservation block.
    [[nodiscard]] std::size_t reservation_count() const;
    [[nodiscard]] FdtReg reservation(std::size_t index) const;

    [[nodiscard]] std::uint32_t boot_cpu() const { return boot_cpu_; }
    /// The blob, cut to its total size.
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  private:
    Fdt() = default;
    [[nodiscard]] FdtNodes::Iterator place(const FdtNode& node) const;

    std::span<const std::byte> bytes_;
    std::span<const std::byte> reservations_;  // without the terminator
    FdtNode root_;
    std::uint32_t boot_cpu_ = 0;
};

}  // namespace cairn
