// SPDX-License-Identifier: MIT
// Builds a flattened device tree (Devicetree Specification v0.4, chapter 5, version 17) in the
// caller's bytes. Nothing is allocated. The first error sticks: later calls do nothing and `finish`
// reports it, so a tree is written as straight-line code. Names of properties are stored once.
// Phandles, cells and their agreement are the caller's. No locking: one builder, one thread.
//
//     header | reservations | structure ──►        free        ◄── strings, newest first
//
// `finish` moves the strings down behind the structure; free space may follow.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/fdt_format.hpp"

namespace cairn {

enum class FdtWriteError : std::uint8_t {
    no_space,
    bad_name,
    bad_string,
    bad_nesting,
    too_deep,
    misplaced_property,
    misplaced_reservation,
};

/// One sentence, without a full stop.
[[nodiscard]] std::string_view to_string(FdtWriteError error);

class FdtWriter {
  public:
    /// Writes into `into`, of which at most 4 GiB - 1 are used.
    explicit FdtWriter(std::span<std::byte> into);
    FdtWriter(const FdtWriter&) = delete;
    FdtWriter& operator=(const FdtWriter&) = delete;

    /// The physical id of the hart that boots.
    void boot_cpu(std::uint32_t id) { boot_cpu_ = id; }
    /// An entry of the memory reservation block; before the first node.
    void reserve_memory(std::uint64_t address, std::uint64_t size);

    /// The first node is the root, and its name is empty; there is one root.
    void begin_node(std::string_view name);
    /// A node "name@unit", the unit address in hexadecimal.
    void begin_node(std::string_view name, std::uint64_t unit);
    void end_node();

    // Properties of the node begun last, before its first child.
    void property(std::string_view name, std::span<const std::byte> value);
    void property_empty(std::string_view name) { property(name, {}); }
    void property_u32(std::string_view name, std::uint32_t value);
    void property_u64(std::string_view name, std::uint64_t value);
    void property_string(std::string_view name, std::string_view value);
    void property_strings(std::string_view name, std::initializer_list<std::string_view> values);
    void property_cells(std::string_view name, std::initializer_list<std::uint32_t> values);
    /// Numbers of two cells each, as in a `reg` of 64-bit addresses and sizes.
    void property_u64s(std::string_view name, std::initializer_list<std::uint64_t> values);

    /// A property whose value comes piecewise: `begin_property`, then any number of `append_...`;
    /// it ends with whatever is called next.
    void begin_property(std::string_view name);
    void append(std::span<const std::byte> bytes);
    void append_u32(std::uint32_t value);
    void append_u64(std::uint64_t value);
    void append_string(std::string_view value);  // with its NUL

    /// The finished tree, at the start of the caller's bytes; call it once, at the end. It ends
    /// with `spare` bytes that are free, for who adds to the tree in place.
    [[nodiscard]] std::expected<std::span<std::byte>, FdtWriteError> finish(std::size_t spare = 0);

  private:
    enum class State : std::uint8_t { reservations, before_root, properties, children, closed };

    void fail(FdtWriteError error);
    /// `size` more bytes of the structure; empty, with the error set, where they do not fit.
    std::span<std::byte> claim(std::size_t size);
    void put_u32(std::uint32_t value);
    void end_reservations();
    void end_property();
    std::span<std::byte> extend_property(std::size_t size);
    std::size_t intern(std::string_view name);
    std::size_t find_name(std::string_view name);
    std::size_t add_name(std::string_view name);
    [[nodiscard]] bool is_name_at(std::size_t at, std::string_view name) const;
    void finish_names(std::span<std::byte> structure, std::size_t strings_size);
    void finish_header(std::size_t strings_size, std::size_t spare);

    std::span<std::byte> bytes_;
    std::size_t structure_ = 0;            // offset of the structure block, once it has begun
    std::size_t used_ = 0;                 // bytes from the start up to the end of the structure
    std::size_t strings_;                  // offset of the strings block, which ends with the bytes
    std::array<std::size_t, 64> names_{};  // the first ones, from a hash of each on; 0: none
    std::size_t open_property_ = 0;        // offset of the property being written, or 0
    std::size_t depth_ = 0;
    std::uint32_t boot_cpu_ = 0;
    State state_ = State::reservations;
    bool failed_ = false;
    FdtWriteError error_ = FdtWriteError::no_space;
};

}  // namespace cairn
