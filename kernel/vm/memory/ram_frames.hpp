// SPDX-License-Identifier: MIT
// Where a guest's RAM lies: the frames of each chunk of 2 MiB. They are taken in as few pieces as
// the machine allows, placed so that large leaves fit, and may go back one by one.
//
//     chunk    0   1   2   3   4   5
//     frames   A   A+1 A+2 -   B   C       pieces: A to A+2, B, C
//
// Owns the frames. No locking: its owner guards it. Whoever has found where a chunk lies may go
// there without the lock, for as long as the chunk is not freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <cairn/vector.hpp>
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/host/memory/frame_pool.hpp"
#include "kernel/vm/memory/vm_memory.hpp"

namespace cairn {

class RamFrames {
  public:
    static constexpr std::uint64_t chunk_size = paging::leaf_size(1);

    /// RAM begins at `base`, on a chunk's boundary. `pool` and `memory` outlive it.
    RamFrames(FramePool& pool, VmMemory& memory, GuestPhys base)
        : pool_(pool), base_(base), chunks_(VmAllocator<HostPhys>(memory.heap())) {}
    RamFrames(const RamFrames&) = delete;
    RamFrames& operator=(const RamFrames&) = delete;
    ~RamFrames() { free_all(); }

    /// Has room for RAM of so many chunks, without frames; false where the heap has none. Once.
    [[nodiscard]] bool make_room(std::size_t chunks) {
        return chunks_.try_resize(chunks, none).has_value();
    }
    /// Takes frames for all chunks, which have none: all or none.
    [[nodiscard]] bool take_all();
    void free_all();
    /// The same for one chunk.
    [[nodiscard]] bool take(std::size_t chunk);
    void free(std::size_t chunk);

    /// Of a chunk that has frames.
    [[nodiscard]] HostPhys of(std::size_t chunk) const { return chunks_[chunk]; }
    /// Whether the next chunk lies behind this one, where both have frames.
    [[nodiscard]] bool goes_on(std::size_t chunk) const {
        return chunks_[chunk + 1] == chunks_[chunk] + chunk_size;
    }
    struct Piece {
        GuestPhys at;
        HostRange frames;
    };
    /// The first at or behind the chunk `first`; nothing if there is none.
    [[nodiscard]] std::optional<Piece> piece_from(std::size_t first) const;

  private:
    static constexpr HostPhys none{0};  ///< page 0 is nobody's RAM

    [[nodiscard]] std::size_t take_piece(std::size_t first, std::uint64_t size);

    FramePool& pool_;
    GuestPhys base_;
    vector<HostPhys, VmAllocator<HostPhys>> chunks_;
};

}  // namespace cairn
