// SPDX-License-Identifier: MIT
// A vCPU's trace: the ring of its last exits, in memory that is its VM's, or none while it is off.
// The vCPU's hart adds; any hart may turn it on and off, and read it exit by exit, so that nobody
// waits for a reader longer than for one. The lock is a leaf.
//
//     exit ──► handle_watched_exit ──► add          the ring ──► at(n), at(n + 1) ... a dump
//     left? ──► the hart's loop ... ──► entered: what the exit took ends there
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <cairn/spinlock.hpp>
#include <cairn/vector.hpp>
#include "kernel/vm/exits/exit_ring.hpp"
#include "kernel/vm/memory/vm_memory.hpp"

namespace cairn {

class ExitTrace {
  public:
    using Room = vector<ExitRecord, VmAllocator<ExitRecord>>;
    static constexpr std::uint32_t most_entries = 65536;
    static constexpr std::uint32_t usual_entries = 1024;

    /// Room for `entries` exits; nothing where the quota or the heap has not got it.
    [[nodiscard]] static std::optional<Room> take_room(VmMemory::VmHeap& heap,
                                                       std::uint32_t entries) {
        Room room{VmAllocator<ExitRecord>(heap)};
        if (!room.try_resize(entries)) return std::nullopt;
        return room;
    }

    /// Begins anew in `room`, which has place for one at least. What it had before is the caller's,
    /// who frees it behind the lock.
    [[nodiscard]] std::optional<Room> turn_on(Room room);
    [[nodiscard]] std::optional<Room> turn_off();

    /// On the vCPU's hart; nothing while it is off.
    void add(const ExitRecord& record);
    /// The guest is entered at `now`: an exit that had left it is over.
    void entered(std::uint64_t now);

    struct Extent {
        std::size_t capacity = 0;  ///< 0: it is off
        std::uint64_t first = 0;   ///< the number of the oldest that is kept
        std::uint64_t end = 0;     ///< how many there have been
    };
    [[nodiscard]] Extent extent() const;
    /// The exit of that number, unless it is lost.
    [[nodiscard]] std::optional<ExitRecord> at(std::uint64_t number) const;

  private:
    mutable Spinlock lock_;
    std::optional<Room> room_ CAIRN_GUARDED_BY(lock_);
    ExitRing ring_ CAIRN_GUARDED_BY(lock_);
    bool is_away_ CAIRN_GUARDED_BY(lock_) = false;  ///< since the newest
};

}  // namespace cairn
