// SPDX-License-Identifier: MIT
// Which pages of RAM lie where in a core file: runs of pages that are stored, each with the zeros
// behind it, which are not.
//
//     RAM   ├──┬──┬──┬──┬──┬──┬──┬──┤      file   ├──┬──┬──┤
//            AA AA 00 00 00 BB 00 00              AA AA BB
//           └ segment 0: 2 of 5 ┘└ 1: 1 of 3 ┘    0     1
//
// Where a core has as many segments as it may have, zeros are stored, too. Pure. No locking.
#pragma once

#include <cstdint>
#include <span>

#include <cairn/vector.hpp>
#include "kernel/arch/address.hpp"

namespace cairn {

struct CoreSegment {
    GuestPhys base;
    std::uint64_t offset = 0;  ///< in the file
    std::uint64_t stored = 0;  ///< bytes, of
    std::uint64_t size = 0;    ///< so many: the rest is zero
    bool operator==(const CoreSegment&) const = default;
};

class CoreSegments {
  public:
    static constexpr std::uint64_t page = 4096;
    static constexpr std::size_t most = 32768;  ///< of 65535 headers that an ELF file may have

    /// RAM begins at `base`, and its first byte that is stored at `offset` in the file.
    CoreSegments(GuestPhys base, std::uint64_t offset) : next_(base), offset_(offset) {}

    /// Whether zeros have to be stored.
    [[nodiscard]] bool is_full() const { return segments_.size() >= most; }
    /// The next `size` bytes of RAM are stored, behind what was stored last. False where the heap
    /// has no room.
    [[nodiscard]] bool add_stored(std::uint64_t size);
    /// The next `size` bytes are zero, and are not; unless it `is_full`.
    [[nodiscard]] bool add_zeros(std::uint64_t size);

    [[nodiscard]] std::span<const CoreSegment> all() const { return segments_; }
    /// What comes next, in RAM and in the file.
    [[nodiscard]] GuestPhys next() const { return next_; }
    [[nodiscard]] std::uint64_t offset() const { return offset_; }

  private:
    [[nodiscard]] bool add(std::uint64_t stored, std::uint64_t size);

    GuestPhys next_;
    std::uint64_t offset_;
    vector<CoreSegment> segments_;
};

}  // namespace cairn
