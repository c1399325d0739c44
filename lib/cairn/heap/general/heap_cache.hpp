// SPDX-License-Identifier: MIT
// A hart's door to the heap: magazines of free blocks that only this hart uses. What they hold is
// handed out and taken back without a lock and without an atomic instruction; they are refilled
// from the HeapCore and flushed to it at most `batch` blocks at a time.
//
// Three kinds of blocks have magazines:
//
//     slots of slabs        1 .. 1024 bytes     64 magazines of 63, by class
//     blocks with headers   1025 B .. 64 KiB    by exact size up to 4 KiB, then 16 a doubling
//     runs                  1 .. 16 pages       by their number
//
// It models GeneralHeap. One hart (thread) uses a cache at a time; any hart may free what another
// allocated, the block then moves to the cache of the one that frees. A cache is constant-
// initialised, so that it can be `thread_local`; it opens itself on first use, and `close` gives
// back what it holds.
//
// A block that is freed carries the heap's canary in its first word, which is
// looked at when it is freed again (double free) and when it is handed out (use after free).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/heap/general/heap_core.hpp"
#include "cairn/heap/general/heap_magazines.hpp"
#include "cairn/heap/store/slab_geometry.hpp"

namespace cairn {

class HeapCache {
  public:
    static constexpr std::size_t batch = 16;

    /// `core` outlives the cache's use; it need not be initialised yet.
    constexpr explicit HeapCache(HeapCore& core) : core_(&core) {}
    HeapCache(const HeapCache&) = delete;
    HeapCache& operator=(const HeapCache&) = delete;

    /// Takes some memory from the core for the magazines; without that (a small heap) every call
    /// goes to the core. False while the core is not initialised. The first request does this too.
    bool open();
    /// Gives every block back and goes without magazines from then on: before the hart or thread
    /// ends, whose last calls still work.
    void close();
    /// Gives every block back.
    void flush();

    // The raw interface, for operator new and malloc. What is short and common of it is inlined
    // wherever it is called; few functions of a program should.
    // Shaped for: "heap, target, pair"; "Instructions on the host".

    /// At least `size` bytes at a multiple of 16; nullptr where there are none.
    [[nodiscard, gnu::always_inline]] std::byte* take(std::size_t size) {
        HeapCache& cache = at_hand();
        if (size > largest_small) [[unlikely]]
            return take_large(size, cache);
        in_register(size);  // of which no more is known, so that the mask is a short one
        std::size_t rounded = (size + 15) / 16 * 16;
        Bin& bin = cache.bin_of(rounded);
        std::byte* const block = bin.top[-1];
        if (!cache.pop(bin, block)) [[unlikely]] {
            in_register(rounded);  // the address, for here alone
            return refill(block, cache, reinterpret_cast<std::byte*>(&cache) + rounded);
        }
        return block;
    }

    /// As above at a multiple of `alignment`; nullptr too where that is no power of two.
    [[nodiscard, gnu::always_inline]] std::byte* take(std::size_t size, std::size_t alignment) {
        HeapCache& cache = at_hand();
        if (alignment == heap_page) return take_run_at_hand(alignment, size, cache);
        if (std::byte* const block = cache.take_at_hand(size, alignment)) return block;
        return take_aligned(alignment, size, cache);
    }

    // What a magazine of slots has, with no call; nullptr says no more than that it has none. For
    // those who do something else with what `take` returns, and call that last.

    [[nodiscard, gnu::always_inline]] std::byte* take_at_hand(std::size_t size) {
        HeapCache& cache = at_hand();
        if (size > largest_small) [[unlikely]]
            return nullptr;
        std::size_t beyond = size + 15;
        in_register(beyond);
        return cache.pop_slot(beyond / 16 * 16);
    }
    [[nodiscard, gnu::always_inline]] std::byte* take_at_hand(std::size_t size,
                                                              std::size_t alignment) {
        HeapCache& cache = at_hand();
        std::size_t mask = alignment - 1;
        if ((alignment & mask) != 0) [[unlikely]]
            return nullptr;
        // Slots are as aligned as their size is. Of no alignment, or of a size that has no
        // multiple, it is 0, and there are none.
        mask |= 15;
        const std::size_t rounded = (size + mask) & ~mask;
        return rounded > largest_small ? nullptr : cache.pop_slot(rounded);
    }

    /// The same as take(size, heap_page).
    [[nodiscard, gnu::always_inline]] std::byte* take_pages(std::size_t size) {
        return take_run_at_hand(heap_page, size, at_hand());
    }

    /// The same for those in no hurry.
    [[nodiscard]] std::byte* take_as(Layout layout) {
        return take_aligned(layout.alignment, layout.size, *this);
    }

    /// Takes back what `take` gave; nullptr is nothing.
    [[gnu::always_inline]] void give(std::byte* block) {
        HeapCache& cache = at_hand();
        const std::uintptr_t origin = cache.origin_;
        const std::size_t page = (reinterpret_cast<std::uintptr_t>(block) - origin) / heap_page;
        if (page >= cache.pages_) [[unlikely]]
            return give_slowly(block, cache);
        std::uint8_t* const uses = cache.use_;
        const std::size_t use = cache.use_at(page);
        if (use > small_classes) [[unlikely]]
            return give_large(block, cache, page, use, origin, uses);
        std::size_t place = use * sizeof(Bin);
        in_register(place);
        if (!cache.push(cache.bin_of(place), block)) [[unlikely]]
            give_slowly(block, cache);
    }

    /// The same where the size is known that was asked for. A size or alignment that the block
    /// never had is reported (wrong_size, wrong_alignment); without checks it is trusted.
    [[gnu::always_inline]] void give(std::byte* block, Layout layout) {
        const std::size_t size = layout.alignment <= default_alignment
                                     ? layout.size
                                     : align_up(layout.size, layout.alignment).value_or(SIZE_MAX);
        HeapCache& cache = at_hand();
        const std::size_t page =
            (reinterpret_cast<std::uintptr_t>(block) - cache.origin_) / heap_page;
        if (page >= cache.pages_) [[unlikely]]
            return give_as(block, layout, cache);
        std::size_t place = class_size(cache.use_at(page));
        if (!__builtin_constant_p(size)) in_register(place);
        if (!are_for(place, size)) [[unlikely]]
            return give_as(block, layout, cache);
        if (!cache.push(cache.bin_of(place), block)) [[unlikely]]
            give_slowly(block, cache);
    }

    /// The same for those in no hurry.
    void give_as(std::byte* block, Layout layout) { give_as(block, layout, *this); }

    // GeneralHeap.

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (!layout.is_valid()) [[unlikely]]
            return std::unexpected(refusal(layout));
        std::byte* const block = take(layout.size, layout.alignment);
        if (block == nullptr) [[unlikely]]
            return std::unexpected(AllocError::out_of_memory);
        return block;
    }
    void deallocate(std::byte* block) { give(block); }
    void deallocate(std::byte* block, Layout layout) { give(block, layout); }
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size);
    /// 0 for what is no block of this heap.
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const;
    /// Whether `block` is one that its user has. Looks for a freed slot everywhere, if it has to.
    [[nodiscard]] bool is_live(const std::byte* block) const;
    /// Whether `pointer` lies in pages of the heap.
    [[nodiscard]] bool owns(const void* pointer) const;

    /// Bytes in the magazines. Others than the cache's hart may ask, and see it as it is or was.
    [[nodiscard]] __attribute__((no_sanitize("thread"))) std::size_t cached_bytes() const;

  private:
    friend class HeapCore;
    /// One for each class of slots; that of 0, which pages are that are not the heap's, has
    /// nothing.
    struct Bin {
        MagazineTop top = no_magazine;
        SlotCheck check{};
    };
    static constexpr std::size_t bin_count = small_classes + 1;

    static constexpr std::array<Bin, bin_count> make_bins() {
        std::array<Bin, bin_count> bins{};
        for (unsigned c = 1; c <= small_classes; ++c)
            bins[c].check = SlotCheck(c);
        return bins;
    }
    static constexpr unsigned sweep_steps = 4;   ///< blocks that go in a sweep
    static constexpr unsigned sweep_looks = 16;  ///< at magazines, to find them
    static constexpr unsigned most_looks = 16;   ///< the same to make room
    [[nodiscard]] static AllocError refusal(Layout layout);

    /// Of slots of `size` bytes, a multiple of 16.
    [[nodiscard, gnu::always_inline]] Bin& bin_of(std::size_t size) {
        static_assert(sizeof(Bin) == 16);
        return *reinterpret_cast<Bin*>(reinterpret_cast<std::byte*>(bins_.data()) + size);
    }

    /// Of the magazine that has this number among all.
    [[nodiscard, gnu::always_inline]] MagazineTop& top_of(std::size_t bin) {
        using namespace heap_bins;
        return bin < first_slot ? tops_[bin] : bins_[bin - first_slot + 1].top;
    }

    /// Whether slots of `slot_size` bytes, if there are such, are those that `size` bytes are in.
    [[nodiscard, gnu::always_inline]] static bool are_for(std::size_t slot_size, std::size_t size) {
        const bool fits = __builtin_constant_p(size) ? slot_size == (size + 15) / 16 * 16
                                                     : slot_size - size < class_size(1);
        return fits && slot_size <= largest_small;
    }

    /// Of slots of `size` bytes, a multiple of 16: that on top of their magazine, if it is sound.
    [[nodiscard, gnu::always_inline]] std::byte* pop_slot(std::size_t size) {
        Bin& bin = bin_of(size);
        std::byte* const block = bin.top[-1];
        return pop(bin, block) ? block : nullptr;
    }

    /// Puts `block` on the magazine of its class, if it is a slot that is not free and there is
    /// room.
    [[nodiscard, gnu::always_inline]] bool push(Bin& bin, std::byte* block) {
        auto* const slot = reinterpret_cast<FreeSlot*>(block);
        if constexpr (heap_checks) {
            const bool is_slot = bin.check.accepts(reinterpret_cast<std::uintptr_t>(block));
            if (!is_slot || slot->canary == origin_) [[unlikely]]
                return false;
        }
        const MagazineTop top = bin.top;
        if (heap_bins::SlotMagazine::is_full(top)) [[unlikely]]
            return false;
        if constexpr (heap_checks) slot->canary = origin_;
        *top = block;
        // As `show` has it where stores are seen in order; a RISC-V hart that looks for a slot may
        // see the top first, and miss it.
        __atomic_signal_fence(__ATOMIC_RELEASE);
        bin.top = top + 1;
        return true;
    }
    /// Takes `block`, which is on top of a magazine, if there is one and it is as it was put there.
    [[nodiscard, gnu::always_inline]] bool pop(Bin& bin, std::byte* block) {
        auto* const slot = reinterpret_cast<FreeSlot*>(block);
        if (block == nullptr) [[unlikely]]
            return false;
        if constexpr (heap_checks) {
            if (slot->canary != origin_) [[unlikely]]
                return false;
            slot->canary = 0;
        }
        --bin.top;
        return true;
    }

    /// The same cache, by an address in one register: of a thread_local, clang would otherwise load
    /// the offset for each access again.
    [[nodiscard, gnu::always_inline]] HeapCache& at_hand() {
        HeapCache* cache = this;
        in_register(cache);
        return *cache;
    }
    /// Hides what a value is made of, so that it is not made again for each use.
    template <class T>
    [[gnu::always_inline]] static void in_register(T& value) {
        asm("" : "+r"(value));
    }

    // Called last, with the arguments of malloc, free and aligned_alloc in their places, so that
    // these calls are jumps. `seen` is what was on top of the magazine, in the place of the result.
    // `beyond` lies as far behind the cache as the slot is to be long.
    [[nodiscard, gnu::noinline]] static std::byte* refill(const std::byte* seen, HeapCache& cache,
                                                          const std::byte* beyond);
    [[nodiscard, gnu::noinline]] static std::byte* take_large(std::size_t size, HeapCache& cache);
    [[nodiscard, gnu::noinline]] static std::byte* take_aligned(std::size_t alignment,
                                                                std::size_t size, HeapCache& cache);
    [[nodiscard, gnu::noinline]] static std::byte* take_run_at_hand(std::size_t alignment,
                                                                    std::size_t size,
                                                                    HeapCache& cache);
    [[gnu::noinline]] static void give_large(std::byte* block, HeapCache& cache, std::size_t page,
                                             std::size_t use, std::uintptr_t origin,
                                             std::uint8_t* uses);
    [[gnu::noinline]] static void give_slowly(std::byte* block, HeapCache& cache);
    [[gnu::noinline]] static void give_as(std::byte* block, Layout layout, HeapCache& cache);
    [[nodiscard, gnu::noinline]] static std::byte* take_coarse(std::size_t size, HeapCache& cache);
    [[nodiscard]] static std::byte* take_larger(const std::byte* seen, HeapCache& cache,
                                                std::size_t size);
    [[nodiscard]] std::byte* take_slot(std::size_t size);
    [[nodiscard]] std::byte* take_run(std::size_t size, std::size_t alignment);
    [[nodiscard]] std::byte* pop_block(MagazineTop& top, std::size_t wanted);
    [[nodiscard]] bool keep_fine(std::byte* block, std::size_t length, std::size_t bin,
                                 std::uintptr_t origin);
    [[nodiscard]] bool keep_coarse(std::byte* block, std::size_t length, std::uintptr_t origin);
    [[nodiscard]] static bool may_keep(const std::byte* block, std::size_t length);
    static void put(std::byte* block, std::size_t length, MagazineTop& top, std::uintptr_t origin);
    [[nodiscard, gnu::always_inline]] inline bool keep_run(std::byte* run, std::size_t page,
                                                           std::uint8_t* uses);
    [[nodiscard]] std::size_t run_pages(std::size_t page) const { return infos_[page].extent; }
    void give_slot(std::byte* block, std::size_t small_class);
    [[nodiscard]] __attribute__((no_sanitize("thread"))) bool holds_slot(
        const std::byte* slot, std::size_t small_class) const;
    void give_block(std::byte* block);
    void give_run(std::byte* run);
    /// Where the core has memory for a request.
    enum class Way : std::uint8_t { slots, blocks, block, run };
    [[nodiscard]] std::byte* insist(Way way, std::size_t size, std::size_t alignment);
    [[nodiscard, gnu::noinline]] std::byte* attempt(Way way, std::size_t size,
                                                    std::size_t alignment);
    [[nodiscard]] std::byte* refill_slots(std::size_t size);
    [[nodiscard]] std::byte* refill_blocks(std::size_t size);
    std::size_t drop(std::size_t bin, std::size_t most);
    [[nodiscard]] std::size_t drop_all(std::size_t bin, std::size_t end, std::size_t most);
    void sweep();
    [[nodiscard]] bool make_place(std::size_t bin);
    bool take_back(std::size_t bin);
    void make_room(std::size_t wanted);
    [[nodiscard]] std::size_t largest_room() const;
    /// Says whether a run waits in a magazine: of its first page, and without a lock (PageHeap).
    static void mark(std::uint8_t* uses, std::size_t page, PageUse use) {
        __atomic_store_n(&uses[page], static_cast<std::uint8_t>(use), __ATOMIC_RELAXED);
    }
    /// What a page is. Others may take a slab apart at the time, which is as good as before or
    /// after. An atomic load of a byte is an instruction more: clang widens it by itself.
    [[nodiscard]] __attribute__((no_sanitize("thread"))) std::uint8_t use_at(
        std::size_t page) const {
        return static_cast<const volatile std::uint8_t*>(use_)[page];
    }
    /// What `block` is by its page, which is `foreign` too outside the window; never `apart`.
    [[nodiscard]] std::uint8_t use_of(const std::byte* block) const;
    [[nodiscard, gnu::cold]] std::size_t get_back(std::size_t size, std::size_t most);
    [[nodiscard]] bool shed(std::size_t size, std::size_t most);
    [[nodiscard]] std::size_t page_of(const void* pointer) const {
        return (reinterpret_cast<std::uintptr_t>(pointer) - (origin_ + 8)) / heap_page;
    }

    // Small things first: what is within 256 bytes is half an instruction away, by its size.
    std::uintptr_t origin_ = 0;        ///< 8 below the window: also the canary
    std::size_t pages_ = 0;            ///< of the window; 0 until opened
    std::uint8_t* use_ = nullptr;      ///< what each page of the window is
    const PageInfo* infos_ = nullptr;  ///< of the window's pages
    HeapCore* core_;
    Magazines* magazines_ = nullptr;  ///< nullptr: none, every call goes to the core
    std::size_t room_ = 0;            ///< bytes that magazines may still be granted, but for slots
    HeapCache* next_ = nullptr;       ///< in the core's list
    std::uint32_t owner_ = 0;         ///< of slabs, by the core's number
    std::uint16_t sweep_ = 0;         ///< the magazine that is emptied next where memory is short
    std::uint16_t lender_ = 0;        ///< the one that gave places back last
    std::array<Bin, bin_count> bins_ = make_bins();
    BlockTops tops_;
};

}  // namespace cairn
