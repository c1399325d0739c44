// SPDX-License-Identifier: MIT
// A guest's RAM, given to it when it is first touched, by its harts or by Cairn on its behalf.
//
//     RAM    ├──────┼──────┼──────┼──────┼──────┤   chunks of 2 MiB
//             present absent absent present absent
//     table  leaf     -      -      leaf    -        an access to what is absent is an exit:
//                                                    zeroes, one leaf of 2 MiB, and on it goes
//
// All frames are the VM's from the beginning, so no guest finds its RAM taken later. What was in
// them stays until they are touched, and no guest sees it: a chunk is zeroed before it is mapped.
// Its owner can be told that frames nobody has used since the machine's reset are clean as they
// are.
//
// A chunk can be given back: harts forget it, and its frames are the pool's when all of Cairn's own
// accesses have ended that may have found it before. It has frames again when it is taken back, or
// touched, as soon as the pool has some:
//
//     absent, present, shown ── give_back ──► leaving ── drain ──► away
//        ▲                                      │                   │ frames of the pool
//        └──────────── take_back, touch ◄───────┴───────────────────┘
//
// What never changes, as a kernel in the archive, can be shown instead of copied. Such a chunk has
// leaves of 4 KiB, and the frames for it are the VM's all the same:
//
//     chunk  ├─┬─┬─┬─┬─┬─┬─┬─┤   blocks of 16 pages
//             a a o a a o o a     a: read-only, in the archive; o: written to, so copied to its
//             frames
//
// A store to an `a` is an exit. No hart may go on reading the archive's pages then: the leaves are
// taken away, every hart forgets them, and the new ones are there.
//
// A chunk with breakpoints or watchpoints in it has leaves of 4 KiB, too, and Cairn's own accesses
// to it ask first (kernel/vm/memory/patched_pages.hpp).
//
// Outside RAM the table has pages of registers (kernel/dev/mmio_device.hpp), read-only.
//
// Owns the frames and the G-stage table; both go back when it dies. A spinlock guards chunks and
// table; zeroing happens without it, so a hart that touches another chunk waits for a few
// instructions at most.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include <cairn/vector.hpp>
#include "kernel/host/memory/frame_pool.hpp"
#include "kernel/vm/memory/guest_memory.hpp"
#include "kernel/vm/memory/patched_pages.hpp"
#include "kernel/vm/memory/ram_frames.hpp"
#include "kernel/vm/memory/stage2_table.hpp"
#include "kernel/vm/memory/vm_memory.hpp"

namespace cairn {

class GuestRam final : public RamBacking, public DebugPoints {
  public:
    static constexpr std::uint64_t chunk_size = RamFrames::chunk_size;
    /// What is copied at once of what is shown. Debian's kernel writes to most of what lies beside
    /// a page that it writes to, and an exit costs as much as the copy of a page.
    static constexpr std::uint64_t block_size = 16 * paging::page_size;

    struct Settings {
        GuestPhys base;      ///< on a chunk's boundary
        std::uint64_t size;  ///< whole chunks
        bool trust_unused;   ///< frames that nobody has used since reset are not zeroed
        /// Who has every hart that may run the guest forget; without one nothing is shown.
        TranslationFence* harts = nullptr;
    };

    /// Without frames yet. `pool` and `memory` outlive it; `table` is empty.
    GuestRam(FramePool& pool, VmMemory& memory, Stage2Table table, const Settings& settings);
    GuestRam(const GuestRam&) = delete;
    GuestRam& operator=(const GuestRam&) = delete;
    ~GuestRam();

    enum class Taken : std::uint8_t {
        all,
        no_frames,  ///< the machine has too little RAM left
        no_memory,  ///< the VM's share of the hypervisor's own memory is used up
    };
    /// Takes all frames; called once, before anything else. All of them or none.
    [[nodiscard]] Taken take_frames();

    /// RAM for Cairn's eyes; refers to this object.
    [[nodiscard]] GuestMemory memory();
    /// What is shown is not: it has to be copied.
    [[nodiscard]] bool is_ready(GuestRange range) const override;
    /// A page with breakpoints is turned round for it.
    [[nodiscard]] bool is_soon_ready(GuestRange range) const override;
    [[nodiscard]] std::span<std::byte> piece(GuestRange range, RamUse use) override;
    [[nodiscard]] RamWindow window(GuestPhys at) override;
    [[nodiscard]] RamTouch touch(GuestPhys at) override;
    // guest_ram_registers.cpp
    [[nodiscard]] std::uint32_t* register_page(GuestPhys at) override;
    [[nodiscard]] bool show_register_page(GuestPhys at) override;
    [[nodiscard]] DebugPoints* debug_points() override { return this; }
    /// Whole chunks only, of bytes that begin on a page.
    [[nodiscard]] std::uint64_t show(GuestPhys to, std::span<const std::byte> from) override;

    // guest_ram_points.cpp
    [[nodiscard]] bool insert(GuestPhys at) override;
    void remove(GuestPhys at) override;
    [[nodiscard]] bool has(GuestPhys at) override;
    [[nodiscard]] bool insert(const Watchpoint& point) override;
    void remove(const WatchedBytes& named, WatchKind kind) override;
    [[nodiscard]] std::optional<Watchpoint> met_by(GuestRange at, AccessEffect effect) override;
    void remove_all() override;
    [[nodiscard]] Page page(GuestPhys at) override;
    bool open(GuestPhys at, Use use) override;
    void give_up(GuestPhys at) override;

    /// What the guest finds in the page at `at`, which is RAM, and in those behind it as far as
    /// they are all absent: zeros. It is given nothing by that.
    struct View {
        const std::byte* bytes = nullptr;  ///< nullptr: zeros
        std::uint64_t size = 0;            ///< a page, or as far as it is absent in this chunk
    };
    [[nodiscard]] View view(GuestPhys at) const;

    enum class BlockUse : std::uint8_t {
        absent,   ///< not touched
        own,      ///< the guest's frames
        shared,   ///< in the archive, as it was
        written,  ///< in the archive before, and the guest's frames since it wrote there
        away,     ///< given back
    };
    /// Of the block that holds `at`, which is RAM.
    [[nodiscard]] BlockUse use_of(GuestPhys at) const;

    /// Gives the chunk that `at` lies in back. False where that cannot be now: there are
    /// breakpoints in it, a hart is zeroing it, it has been given back, or harts cannot be made to
    /// forget.
    [[nodiscard]] bool give_back(GuestPhys at);
    /// Takes it back where it was given; false where the machine has no frames for it.
    [[nodiscard]] bool take_back(GuestPhys at);
    /// Frees frames of what was given back; false where there are more, or somebody may still be at
    /// them.
    [[nodiscard]] bool drain();
    /// Makes the whole chunks of `range`, RAM, absent where that can be. Their frames stay.
    void discard(GuestRange range);
    /// Bytes that are given back.
    [[nodiscard]] std::uint64_t given_back_bytes() const;

    /// All of RAM is absent again, and so zero when it is next touched; what was given back is
    /// taken back. No hart runs the guest, and each forgets what it knew of the table before it
    /// does. False where the machine has no frames for it: then it has none.
    [[nodiscard]] bool forget();

    [[nodiscard]] const Stage2Table& table() const { return table_; }
    /// Calls `visit(guest address, frames)` for each piece of its frames, in the order of guest
    /// addresses. A few are looked at at a time, without the lock while they are shown: a chunk
    /// that is given or taken back meanwhile may be missing, and none is shown twice.
    template <class Visitor>
    void visit_pieces(Visitor visit) const {
        for (GuestPhys at = settings_.base;;) {
            const Pieces some = pieces_from(at);
            for (const RamFrames::Piece& piece : some)
                visit(piece.at, piece.frames);
            if (some.size() < some.capacity()) return;
            at = some.back().at + some.back().frames.size;
        }
    }
    /// Bytes that are present.
    [[nodiscard]] std::uint64_t present_bytes() const;

  private:
    enum class Chunk : std::uint8_t {
        absent,
        filling,
        present,
        shown,
        patched,        ///< present, and some page has had breakpoints or watchpoints
        shown_patched,  ///< the same of shown
        leaving,        ///< given back, and somebody may still be at its frames
        away,           ///< given back, without frames
    };
    [[nodiscard]] static bool is_given_back(Chunk chunk) {
        return chunk == Chunk::leaving || chunk == Chunk::away;
    }
    [[nodiscard]] static bool is_shown(Chunk chunk) {
        return chunk == Chunk::shown || chunk == Chunk::shown_patched;
    }
    [[nodiscard]] static bool is_patched(Chunk chunk) {
        return chunk == Chunk::patched || chunk == Chunk::shown_patched;
    }

    using Pieces = static_vector<RamFrames::Piece, 16>;
    [[nodiscard]] Pieces pieces_from(GuestPhys at) const;

    /// What is shown, whole chunks.
    struct Shown {
        GuestRange range;
        HostPhys source;
    };
    static constexpr std::size_t max_shown = 2;  ///< a kernel and an initrd

    [[nodiscard]] GuestPhys base_of(std::size_t chunk) const {
        return settings_.base + chunk * chunk_size;
    }
    [[nodiscard]] bool is_taken_back(std::size_t chunk);
    [[nodiscard]] bool is_made_absent(std::size_t chunk);
    [[nodiscard]] RamTouch give(std::size_t chunk, bool zero);
    [[nodiscard]] bool show_chunk(std::size_t chunk, HostPhys source);
    [[nodiscard]] RamTouch touch_present(GuestPhys at, Chunk found);
    [[nodiscard]] RamTouch own_block(GuestPhys at);
    [[nodiscard]] bool own_blocks(std::size_t chunk, GuestRange range);
    [[nodiscard]] bool prepare_chunk(std::size_t chunk, GuestRange range, RamUse use);
    /// Without the lock: who sees that it is present or shown sees the zeroes and the table, too,
    /// and where its frames are, which stay there for as long as who sees it is a reader.
    [[nodiscard]] Chunk state(std::size_t chunk) const {
        return std::atomic_ref(const_cast<Chunk&>(chunks_[chunk])).load(std::memory_order_acquire);
    }
    void set_state(std::size_t chunk, Chunk state) {
        std::atomic_ref(chunks_[chunk]).store(state, std::memory_order_release);
    }
    /// Whether what of `range` lies in the chunk is there, and the guest's own.
    [[nodiscard]] bool is_there(std::size_t chunk, GuestRange range) const;
    void note_owned(GuestPhys block);
    [[nodiscard]] bool begin_patching(GuestPhys at);
    /// Where the guest reads registers, and the frame that it finds there.
    struct RegisterFrame {
        GuestPhys at;
        HostPhys frame;
        bool is_shown = false;
    };
    static constexpr std::size_t most_register_frames = 16;
    [[nodiscard]] RegisterFrame* find_register_frame(GuestPhys at);
    void map_register_frames();
    [[nodiscard]] std::size_t chunk_of(GuestPhys at) const {
        return (at - settings_.base) / chunk_size;
    }

    FramePool& pool_;
    const Settings settings_;
    RamFrames frames_;
    mutable Spinlock lock_;
    Stage2Table table_;
    vector<Chunk, VmAllocator<Chunk>> chunks_;
    /// Of a chunk that is shown: bit n, block n is the guest's own. Empty until something is.
    using Blocks = std::uint32_t;
    static_assert(chunk_size / block_size == 32);
    [[nodiscard]] Blocks bit_of(GuestPhys block) const {
        return Blocks{1} << (block - settings_.base) % chunk_size / block_size;
    }
    vector<Blocks, VmAllocator<Blocks>> owned_;
    static_vector<Shown, max_shown> shown_;
    PatchedPages patched_;
    FrameSource& more_frames_;  ///< of the VM's quota
    static_vector<RegisterFrame, most_register_frames> register_frames_;
    std::uint64_t present_ = 0;     ///< chunks
    std::uint64_t given_back_ = 0;  ///< chunks
    bool lacks_frames_ = false;     ///< a touch has found none, and none has found some since
};

}  // namespace cairn
