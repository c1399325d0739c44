// SPDX-License-Identifier: MIT
// The machine's free page frames, for guest RAM and page tables; the kernel's heap has memory of
// its own. RAM is handed out as it is: nobody zeroed it.
//
//     memory map       ████         ████████████████████████████   █████
//     pool's window    ├─────────────────────────────────────────────┤
//     descriptors                   ██
//     frames           ████           ██████████████████████████   █████
//                      page tables    guest RAM, on a 1 GiB or 2 MiB boundary
//
// A page heap owns them. Its descriptors, 13 bytes for every frame of the window, lie in the RAM
// itself, and 2 more count who else owns the frame: one that is shared goes back when its last
// owner frees it, alone or with its neighbours, whatever it was taken with. The shortest of the
// ranges that hold a request is looked for first, so page tables fill the gaps between reserved
// ranges and leave the long ones to guests.
//
// Ranges so far from the rest that the holes between would cost more than 1/64 of the RAM in
// descriptors are left out. The kernel is identity-mapped: a frame is seen at its physical address.
// Every member may be called on any hart; the lock is a leaf.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <cairn/heap/store/page_heap.hpp>
#include <cairn/spinlock.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/host/memory/frame_source.hpp"
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {

class FramePool final : public FrameSource {
  public:
    constexpr FramePool() = default;

    /// Takes over what `map` holds, once. False, and the pool stays empty, where no range has room
    /// for the descriptors.
    [[nodiscard]] bool init(MemoryMap map);

    /// Frames for guest RAM of `size` bytes at `guest_base`: congruent to it modulo 1 GiB where the
    /// size makes use of it and such frames are free, else modulo 2 MiB, so that the G-stage maps
    /// them with leaves of that size.
    [[nodiscard]] std::optional<HostRange> take_guest_ram(std::uint64_t size, GuestPhys guest_base);

    [[nodiscard]] std::optional<HostPhys> allocate_frames(std::size_t count,
                                                          std::uint64_t alignment) override;
    /// Gives up one owner's hold of `count` frames; those without another owner are free again.
    /// They need not have been taken together. Frames that nobody has taken are a panic.
    void free_frames(HostPhys base, std::size_t count) override;
    /// One more owner for `count` frames that are taken. False, and nothing changes, where a frame
    /// has as many owners as can be counted, or none.
    [[nodiscard]] bool share_frames(HostPhys base, std::size_t count);
    /// Remembers that there may be something in the frames of this range, which lies in one that
    /// `take_guest_ram` gave. All other frames are taken to be used once they are allocated.
    void mark_used(HostRange range);
    /// Whether somebody had frames here, or within 2 MiB of them, since the machine's reset.
    [[nodiscard]] bool was_used(HostRange range) const;
    /// How many owners the frame has; 0: it is free, or not the pool's.
    [[nodiscard]] std::uint32_t owners(HostPhys frame) const;
    [[nodiscard]] std::byte* at(HostPhys address) override;

    /// Bytes: that the pool ever had to give, that it has now, and those in one piece.
    [[nodiscard]] std::uint64_t total_bytes() const { return total_pages_ * frame_size; }
    [[nodiscard]] std::uint64_t free_bytes() const;
    [[nodiscard]] std::uint64_t largest_free() const;
    /// Bytes of the map that were left out.
    [[nodiscard]] std::uint64_t unused_bytes() const { return unused_bytes_; }

  private:
    using Owners = std::uint16_t;
    // The bits of a mark.
    static constexpr std::uint8_t used = 1;     ///< somebody had frames there
    static constexpr std::uint8_t counted = 2;  ///< a frame there was shared: others are counted

    [[nodiscard]] std::optional<HostPhys> take(std::uint64_t count, std::uint64_t alignment,
                                               std::uint64_t remainder);
    [[nodiscard]] std::optional<std::uint64_t> taken_page(HostPhys base, std::uint64_t count) const
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool is_taken(std::uint64_t page) const CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::span<std::uint8_t> use_marks(HostRange range) const CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::uint32_t others(std::uint64_t page) const CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::span<Owners> counted_others(std::uint64_t first, std::uint64_t count)
        CAIRN_REQUIRES(lock_);
    void release(std::uint64_t first, std::uint64_t count) CAIRN_REQUIRES(lock_);

    mutable Spinlock lock_;
    HostPhys base_;  ///< of page 0 of the heap
    FaultReporter report_{.hook = {}, .owner = "page frames"};
    PageHeap pages_ CAIRN_GUARDED_BY(lock_);
    /// Owners of each frame besides the one who took it; unwritten where the mark says so.
    Owners* others_ CAIRN_GUARDED_BY(lock_) = nullptr;
    /// For each 2 MiB of the window, from its base.
    std::uint8_t* marks_ CAIRN_GUARDED_BY(lock_) = nullptr;
    std::uint64_t shares_ CAIRN_GUARDED_BY(lock_) = 0;  ///< the sum of them
    std::uint64_t total_pages_ = 0;
    std::uint64_t unused_bytes_ = 0;
};

}  // namespace cairn
