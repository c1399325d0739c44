// SPDX-License-Identifier: MIT
// The machine's RAM as ranges of page frames: what the device tree calls memory, less what is
// reserved (firmware, the kernel's image and heap, the archive, the tree itself). Who hands them
// out is the frame pool (kernel/host/memory/frame_pool.hpp).
//
//     memory    ████████████████████████████████████████████████████
//     reserved  ▓▓▓    ▓▓▓▓▓▓▓▓▓                            ▓▓▓
//     map          ████         ████████████████████████████   █████
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/host/memory/range_list.hpp"

namespace cairn {

inline constexpr std::uint64_t frame_size = 4096;  ///< bytes of a page frame

/// The whole frames inside `range`, which does not wrap.
[[nodiscard]] HostRange frames_inside(HostRange range);
/// The whole frames that `range` touches; an end beyond the address space is cut off there.
[[nodiscard]] HostRange frames_around(HostRange range);

enum class MemoryMapError : std::uint8_t {
    wraps,            ///< a memory range ends beyond the 64-bit address space
    too_many_ranges,  ///< more separate ranges than a RangeList holds
};

/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(MemoryMapError error);

class MemoryMap {
  public:
    /// Whole frames of `memory` that no byte of `reserved` touches. Both may overlap and come in
    /// any order; a reserved range may lie outside memory.
    [[nodiscard]] static std::expected<MemoryMap, MemoryMapError> create(
        std::span<const HostRange> memory, std::span<const HostRange> reserved);

    /// Takes `size` bytes (rounded up to frames) from the low end of the shortest range that holds
    /// them; nothing where none does.
    [[nodiscard]] std::optional<HostRange> take(std::uint64_t size);

    /// Takes the first range out or the last: the one that makes the window wider for each byte it
    /// has. There are two ranges at least.
    HostRange take_farthest();

    [[nodiscard]] std::span<const HostRange> ranges() const { return free_.ranges(); }
    [[nodiscard]] std::uint64_t bytes() const { return free_.bytes(); }
    /// From the first range's base to the last one's end.
    [[nodiscard]] HostRange window() const;

  private:
    RangeList free_;
};

}  // namespace cairn
