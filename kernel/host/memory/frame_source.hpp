// SPDX-License-Identifier: MIT
// Where page tables get their frames, and how the program touches them. The kernel has a pool of
// the machine's own (kernel/host/memory/frame_pool.hpp); a test has an arena.
// Ownership: whoever allocates frees; frames are not zeroed. No locking: the owner guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernel/arch/address.hpp"

namespace cairn {

class FrameSource {
  public:
    /// `count` contiguous frames at a multiple of `alignment` (a power of two); nothing where none
    /// are left.
    [[nodiscard]] virtual std::optional<HostPhys> allocate_frames(std::size_t count,
                                                                  std::uint64_t alignment) = 0;
    /// Returns what one `allocate_frames` gave.
    virtual void free_frames(HostPhys base, std::size_t count) = 0;
    /// Where the program sees the byte at `address`, which lies in allocated frames.
    [[nodiscard]] virtual std::byte* at(HostPhys address) = 0;

  protected:
    ~FrameSource() = default;
};

}  // namespace cairn
