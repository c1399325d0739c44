// SPDX-License-Identifier: MIT
// The slabs of all small classes: which slots are out, which are free.
//
// Slabs have no header; what is known about one stands in the page descriptors of its run, where no
// stray write into a block reaches it:
//
//     info[first]       next, prev   the slabs of this class and owner that have a free slot
//     info[first + 1]   extent       slots that are out (with a user or in a hart's cache)
//                       next         offset / 16 of the first slot on the slab's free list, or none
//                       prev         slots carved so far: those behind have never been out
//     info[first + 2]   extent       its owner
//
// Each cache is an *owner*, and takes slots from slabs of its own as long as it can, so that what
// two harts write to does not share a line. Anybody gives slots back. What an owner leaves behind
// is taken over by others before a new slab is made, and what others own before a request fails.
//
// A free slot holds two words: the canary, and the offset of the next free slot. The canary is the
// first one, as all that uses a block that is gone writes there. Offsets are checked before they
// are followed, so what a stray write leaves there never becomes a pointer.
// Slots are carved one by one as they are needed. Before the first of a page is, every slot that
// starts in that page gets the canary, so that one which was never out is told from one that is.
// The pages behind are `uncarved` in the use map: a new slab touches one page of its four.
//
// A slab whose last slot comes back stays, as the class's spare, which nobody owns; a second one is
// for the page heap.
// No locking: HeapCore guards it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/page_heap.hpp"
#include "cairn/heap/store/slab_geometry.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/region.hpp"

namespace cairn {

/// What a free slot holds; a slot has at least these two words.
struct FreeSlot {
    std::uintptr_t canary;
    std::uint64_t next_offset;  ///< in units of 16 bytes; SlabStore::no_slot at the end
};
static_assert(sizeof(FreeSlot) == class_size(1));

class SlabStore {
  public:
    static constexpr std::uint32_t no_slot = 0xffff'ffff;
    static constexpr std::uint32_t owners = 32;  ///< 0: nobody

    /// `window` is where page 0 of `pages` lies. `report` outlives the store.
    void init(PageHeap& pages, std::byte* window, std::uintptr_t canary,
              const FaultReporter& report);

    /// A number for who takes slots. Beyond `owners` - 1 of them, some share one.
    [[nodiscard]] std::uint32_t join();
    void leave(std::uint32_t owner) { add_members(owner, -1); }
    void leave_all_but(std::uint32_t owner) {
        members_ = {};
        if (owner != 0) members_[owner] = 1;
    }
    // Without a lock too; stale as soon as it is known.
    /// Whether anybody takes slots as this owner.
    [[nodiscard]] bool has_members(std::uint32_t owner) const {
        return owner < owners && __atomic_load_n(&members_[owner], __ATOMIC_RELAXED) != 0;
    }
    /// Of the slab that `slot` lies in.
    [[nodiscard]] std::uint32_t owner_of(const std::byte* slot) const {
        return __atomic_load_n(&infos_[slab_of(slot) + 2].extent, __ATOMIC_RELAXED);
    }

    /// Up to `wanted` free slots of `small_class` from one slab: how many were written to `slots`.
    /// 0 if no slab of `owner` or of nobody has one (see `add_slab`, `take_over`). Each carries the
    /// canary.
    [[nodiscard]] std::size_t take(std::size_t small_class, std::uint32_t owner, std::byte** slots,
                                   std::size_t wanted);

    /// Makes the run of `slab_pages` pages at `first` a slab.
    void add_slab(std::size_t small_class, std::uint32_t owner, std::size_t first);
    /// Makes somebody else's slab that has a free slot the owner's: nobody's, and, if `anybody`,
    /// other owners' too. Whether there is one.
    bool take_over(std::size_t small_class, std::uint32_t owner, bool anybody);

    /// Takes back `slot`, which carries the canary and which `SlotCheck` accepted. The first page
    /// of a slab that is now empty and no longer needed, else PageHeap::none.
    [[nodiscard]] std::size_t give(std::byte* slot);

    /// Forgets a spare slab of any class: its first page, or PageHeap::none.
    [[nodiscard]] std::size_t drop_spare();

    /// Slots of the slab at `first` that are out.
    [[nodiscard]] std::uint32_t live(std::size_t first) const { return infos_[first + 1].extent; }

    // A slab that is mostly free may be *taken apart*: its free slots become chunks of blocks, each
    // row of them one, and its slots that are out follow as they come back. It takes no part in
    // what is said above any more; which of its slots are out is a bit each in its descriptors.

    /// Whether there are any.
    [[nodiscard]] bool has_apart() const { return apart_ != 0; }
    [[nodiscard]] std::size_t apart() const { return apart_; }
    /// A slab to take apart, if a few that are looked at have one; else PageHeap::none.
    [[nodiscard]] std::size_t next_sparse();
    /// Makes its pages `apart`; false, reported and nothing done, if its free list is damaged. Its
    /// free slots wait for `open_row`, and are as if they were out until then.
    [[nodiscard]] bool take_apart(std::size_t first);
    /// Whether free slots of the slab that was taken apart last wait.
    [[nodiscard]] bool has_waiting() const { return waiting_slab_ != PageHeap::none; }
    /// What became free, and the row that it is of now. If that is the slab, its pages are a
    /// chunk's (`block_chunk`). It lasts until the next one is opened.
    struct Opened {
        Region part;
        Region row;
    };
    /// Of the slots that wait those of the next row; of size 0 if there are none.
    [[nodiscard]] const Opened& open_row();
    /// Takes a slot back that is out.
    [[nodiscard]] const Opened& give_apart(const std::byte* slot);
    [[nodiscard]] bool is_waiting(const std::byte* slot) const;
    /// What `pointer` leads to: the class of a slot that is out; else that blocks lie there
    /// (`block_chunk`), but for the first address of a row, where none begins (`free`).
    [[nodiscard]] std::uint8_t use_apart(const std::byte* pointer) const;

    enum class SlotState : std::uint8_t { out, free, uncarved };
    /// Whether `slot` is on its slab's free list, or was never out.
    [[nodiscard]] SlotState state_of(const std::byte* slot) const;

    /// Bytes in slots that are not out.
    [[nodiscard]] std::size_t free_bytes() const { return free_bytes_; }

    /// Whether the slab at `first` agrees with itself: its counts, and every slot of its free list.
    [[nodiscard]] bool check(std::size_t first) const;

    /// The slab that `slot` lies in.
    [[nodiscard]] std::size_t slab_of(const std::byte* slot) const {
        const auto base = reinterpret_cast<std::uintptr_t>(slot) & ~(slab_size - 1);
        return (base - reinterpret_cast<std::uintptr_t>(window_)) / heap_page;
    }

  private:
    struct SlabInfo;
    using Lists = std::array<std::uint32_t, small_classes + 1>;

    [[nodiscard]] SlabInfo slab(std::size_t first) const;
    [[nodiscard]] std::byte* pop(std::size_t small_class, std::size_t first);
    struct Apart;
    static constexpr std::size_t words_apart = 5;
    static_assert(slots_per_slab(smallest_apart) <= words_apart * 32);
    [[nodiscard]] Apart apart(std::size_t first) const;
    [[nodiscard]] const Opened& open(std::size_t first, std::uint32_t from, std::uint32_t to);
    void set_use(std::size_t first, PageUse use);
    void enter_page(std::size_t small_class, std::size_t first, std::size_t offset);
    void link(std::size_t small_class, std::size_t first, std::uint32_t owner);
    void unlink(std::size_t small_class, std::size_t first);
    void add_members(std::uint32_t owner, int change) {
        const auto count = static_cast<std::uint16_t>(members_[owner] + change);
        __atomic_store_n(&members_[owner], count, __ATOMIC_RELAXED);
    }
    [[nodiscard]] std::byte* address(std::size_t first) const {
        return window_ + first * heap_page;
    }

    PageInfo* infos_ = nullptr;  ///< of the window's pages, as their uses
    std::uint8_t* use_ = nullptr;
    std::byte* window_ = nullptr;
    std::uintptr_t canary_ = 0;
    const FaultReporter* report_ = nullptr;
    std::size_t free_bytes_ = 0;
    std::size_t apart_ = 0;  ///< slabs that were taken apart
    std::size_t waiting_slab_ = PageHeap::none;
    std::uint32_t waiting_at_ = 0;                      ///< none before this slot waits
    std::array<std::uint32_t, words_apart> waiting_{};  ///< a bit for each slot
    Opened opened_;
    std::size_t last_slab_ = 0;  ///< of all that ever were
    std::size_t cursor_ = 0;     ///< where `next_sparse` goes on
    std::array<std::uint16_t, owners> members_{};
    // Pages by their number + 1; 0: none.
    Lists spares_{};                     ///< the one that is empty, in nobody's list too
    std::array<Lists, owners> slabs_{};  ///< of each owner, those with a free slot
};

}  // namespace cairn
