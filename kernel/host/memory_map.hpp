// SPDX-License-Identifier: MIT
// The machine's RAM as page frames: what the device tree calls memory, less what is reserved
// (firmware, the kernel's image and heap, the archive, the tree itself). Guest RAM and page tables
// come from here, never from the kernel's heap. RAM is handed out as it is: nobody zeroed it.
//
//     memory    ████████████████████████████████████████████████████
//     reserved  ▓▓▓    ▓▓▓▓▓▓▓▓▓                            ▓▓▓
//     free         ████         ████████████████████████████   █████
//                  page tables  guest RAM, on a 1 GiB or 2 MiB boundary
//
// A request is cut from the smallest free range that holds it, so page tables fill the gaps between
// reserved ranges and leave the long ones to guests. No locking: whoever shares a map guards it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/host/range_list.hpp"

namespace cairn {

inline constexpr std::uint64_t frame_size = 4096;  ///< bytes of a page frame

enum class MemoryMapError : std::uint8_t {
    wraps,            ///< a memory range ends beyond the 64-bit address space
    too_many_ranges,  ///< more separate ranges than a RangeList holds
    not_taken,        ///< given back, but never handed out (or given back already)
};

/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(MemoryMapError error);

class MemoryMap {
  public:
    /// Whole frames of `memory` that no byte of `reserved` touches. Both may overlap and come in
    /// any order; a reserved range may lie outside memory.
    [[nodiscard]] static std::expected<MemoryMap, MemoryMapError> create(
        std::span<const HostRange> memory, std::span<const HostRange> reserved);

    /// A free range of `size` bytes (rounded up to frames) whose base is `remainder` modulo
    /// `alignment`, a power of two of at least a frame; nothing where there is none.
    [[nodiscard]] std::optional<HostRange> take(std::uint64_t size,
                                                std::uint64_t alignment = frame_size,
                                                std::uint64_t remainder = 0);

    /// A free range for guest RAM of `size` bytes at `guest_base`: congruent to it modulo 1 GiB
    /// where the size makes use of it and such a range is free, else modulo 2 MiB, so that the
    /// G-stage maps it with leaves of that size.
    [[nodiscard]] std::optional<HostRange> take_guest_ram(std::uint64_t size, GuestPhys guest_base);

    /// `count` contiguous frames at a multiple of `alignment`, for page tables.
    [[nodiscard]] std::optional<HostPhys> take_frames(std::uint64_t count,
                                                      std::uint64_t alignment = frame_size);
    [[nodiscard]] std::optional<HostPhys> take_page() { return take_frames(1); }

    /// Returns frames that a take handed out; any part of what was taken may come back.
    [[nodiscard]] std::expected<void, MemoryMapError> give_back(HostRange range);

    [[nodiscard]] std::span<const HostRange> free_ranges() const { return free_.ranges(); }
    [[nodiscard]] std::uint64_t total_bytes() const { return usable_.bytes(); }
    [[nodiscard]] std::uint64_t free_bytes() const { return free_.bytes(); }
    [[nodiscard]] std::uint64_t largest_free() const;

  private:
    RangeList usable_;  ///< memory less reserved, as created
    RangeList free_;    ///< the part of it that is not handed out
};

}  // namespace cairn
