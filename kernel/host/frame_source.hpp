// SPDX-License-Identifier: MIT
// Where page tables get their frames, and how the program touches them. The kernel runs identity-
// mapped on the machine's RAM and takes frames from the memory map; a test has an arena.
// Ownership: whoever allocates frees; frames are not zeroed. No locking: the owner guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernel/arch/address.hpp"
#include "kernel/host/memory_map.hpp"

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

/// Frames of the memory map, seen at their physical addresses.
class MemoryMapFrames final : public FrameSource {
  public:
    explicit MemoryMapFrames(MemoryMap& map) : map_(map) {}
    std::optional<HostPhys> allocate_frames(std::size_t count, std::uint64_t alignment) override;
    void free_frames(HostPhys base, std::size_t count) override;
    std::byte* at(HostPhys address) override;

  private:
    MemoryMap& map_;
};

}  // namespace cairn
