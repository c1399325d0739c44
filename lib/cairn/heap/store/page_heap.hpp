// SPDX-License-Identifier: MIT
// Runs of 4 KiB pages: exact counts, any power-of-two alignment, and constant-time merging.
//
// A page heap knows pages by their number in a *window*, an address range of which any part may be
// its own, and never touches them. All it knows lies in the metadata, out of band, 13 bytes a page:
// a byte that says what the page is, and a descriptor that means something at both ends of a run.
//
//     page       0     1     2     3     4     5     6     7     8     9
//     use        foreign     run   inside......  free........  slab: the owner's own bytes
//     extent                 3           3       2     2       2     2
//     next, prev                                 the bin's ring
//
// So both neighbours of a run are found by their ends, and the run joins those that are free; no
// two free runs ever touch. Free runs of about one length form a ring through a head of their own
// (SizeBins says which rings have members). A request looks at a few runs of the bin that its own
// length falls into, then takes from the first bin that must hold it; before it says `none` it has
// looked at every run that could.
//
// Links and lengths are compared with their counterparts before they are followed. Those that
// disagree are reported and left alone, and their pages are lost. No locking: the owner guards it.
// The metadata is the owner's; it outlives the page heap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cairn/heap/store/size_bins.hpp"
#include "cairn/heap_fault.hpp"

namespace cairn {

/// What a page is, as a byte. 1 to 64 is a page of a slab of that size class.
enum class PageUse : std::uint8_t {
    foreign = 0,       ///< not the heap's
    free = 65,         ///< of a free run
    run = 66,          ///< the first page of a used run
    inside = 67,       ///< a later page of a used run
    block_chunk = 68,  ///< of a chunk that is cut into blocks
    internal = 69,     ///< of the heap's own data
    cached_run = 70,   ///< the first page of a run that waits in a cache
    uncarved = 71,     ///< of a slab, no slot of which has been carved in this page yet
    apart = 72,        ///< of a slab that was taken apart: its free slots belong to chunks
};

struct PageInfo {
    std::uint32_t extent;  ///< pages of the run; at its first and last page
    std::uint32_t next;    ///< the neighbours in the bin's ring, at a free run's first page;
    std::uint32_t prev;    ///< of a used run's pages, the owner's to use
};

class PageHeap {
    using Bins = SizeBins<2>;

  public:
    static constexpr std::size_t page_size = 4096;
    static constexpr std::size_t none = SIZE_MAX;
    static constexpr std::uint32_t max_pages = UINT32_MAX - Bins::count;

    /// Bytes of metadata for a window of `pages`, aligned as PageInfo.
    [[nodiscard]] static constexpr std::size_t metadata_size(std::size_t pages) {
        return (pages + Bins::count) * sizeof(PageInfo) + pages + 2;
    }

    constexpr PageHeap() = default;
    PageHeap(const PageHeap&) = delete;
    PageHeap& operator=(const PageHeap&) = delete;

    /// A window of `pages` <= max_pages at the address `window`, all of them foreign. `reporter`
    /// hears of damage, and outlives the page heap. Metadata that is known to be zero (`zeroed`) is
    /// left untouched until it is needed.
    void init(std::byte* metadata, std::size_t pages, std::uintptr_t window,
              const FaultReporter& reporter, bool zeroed = false);

    /// Takes in pages of the window, foreign ones or those of whole used runs, as free ones.
    void add(std::size_t first, std::size_t count) { release(first, count); }

    /// The first of `count` consecutive pages with (page + phase) % alignment == 0, where alignment
    /// is a power of two; `none` where there are none, or for a count of 0.
    [[nodiscard]] std::size_t allocate(std::size_t count, std::size_t alignment = 1,
                                       std::size_t phase = 0);

    /// Gives back the whole run that starts at `first`; the caller has checked that one does.
    void free(std::size_t first) { release(first, info_[first].extent); }

    /// Gives back what a used run has beyond `new_count` > 0 pages.
    void shrink(std::size_t first, std::size_t new_count);

    /// Makes two used runs of one; the second one starts at `at`, inside it.
    void split(std::size_t first, std::size_t at);

    /// The first page of the used run that `page` belongs to; looks at every page in between.
    [[nodiscard]] std::size_t run_of(std::size_t page) const;

    /// Makes a used run `new_count` pages long where the pages after it are free; else false. Their
    /// use is `inside`.
    [[nodiscard]] bool extend(std::size_t first, std::size_t new_count);

    /// Pages of the run that starts at `first`.
    [[nodiscard]] std::uint32_t run_length(std::size_t first) const { return info_[first].extent; }

    /// A byte for each page of the window: a PageUse, or a slab's class. Who has a run may change
    /// its first page's without the owner's lock, at once: neighbours see one or the other.
    [[nodiscard]] std::uint8_t* use_map() const { return use_; }

    /// Says what pages of a used run are for; `free` puts it right again.
    void set_use(std::size_t first, std::size_t count, std::uint8_t use);
    void set_use(std::size_t first, std::size_t count, PageUse use) {
        set_use(first, count, static_cast<std::uint8_t>(use));
    }

    [[nodiscard]] PageInfo& info(std::size_t page) { return info_[page]; }

    [[nodiscard]] std::uint32_t pages() const { return narrow(pages_); }
    [[nodiscard]] std::uint32_t free_pages() const { return narrow(free_); }
    /// Pages of the longest free run; walks one bin.
    [[nodiscard]] std::uint32_t largest_free() const;

    /// Calls `visit(first, count)` for every free run of `least` pages or more; it changes nothing.
    template <class Visitor>
    void for_each_free_run(std::size_t least, Visitor visit) const;
    /// Walks everything: false, and the first damage reported, where descriptors disagree.
    [[nodiscard]] bool check() const;

  private:
    /// One to four pages have a bin each, so every request up to five finds its bin exact.
    static constexpr std::size_t bias = 3;
    /// How many runs of each bin are looked at before all are.
    static constexpr std::size_t quick_look = 8;

    /// Page numbers are 32 bits in the descriptors, and 64 in registers, where they cost less.
    [[nodiscard]] static std::uint32_t narrow(std::size_t pages) {
        return static_cast<std::uint32_t>(pages);
    }
    [[nodiscard]] static unsigned bin_of(std::size_t length) { return size_bin(length + bias); }
    [[nodiscard]] std::size_t head_of(unsigned bin) const { return pages_ + bin; }
    [[nodiscard]] bool is(std::size_t page, PageUse use) const {
        return __atomic_load_n(&use_[page], __ATOMIC_RELAXED) == static_cast<std::uint8_t>(use);
    }

    [[nodiscard]] std::size_t take_run(std::size_t count, std::size_t alignment, std::size_t phase,
                                       std::size_t limit);
    [[nodiscard]] bool is_free_run(std::size_t first) const;
    [[nodiscard]] bool is_linked(std::size_t node) const;
    void take(std::size_t first, std::size_t count);
    void release(std::size_t first, std::size_t count);
    void insert(std::size_t first, std::size_t count);
    [[nodiscard]] bool unlink(std::size_t first, std::size_t length);
    void link(std::size_t before, std::size_t after);
    void set_extent(std::size_t first, std::size_t count);
    void empty_ring(unsigned bin);
    [[nodiscard]] std::size_t checked_run(std::size_t first) const;
    [[nodiscard]] bool check_ring(unsigned bin, std::size_t& runs) const;
    bool report(std::size_t page) const;

    PageInfo* info_ = nullptr;     ///< of the pages, then the rings' heads
    std::uint8_t* use_ = nullptr;  ///< with a foreign page before the first and after the last
    std::size_t pages_ = 0;
    std::size_t free_ = 0;
    Bins bins_;
    std::uintptr_t window_ = 0;
    const FaultReporter* report_ = nullptr;
};

template <class Visitor>
void PageHeap::for_each_free_run(std::size_t least, Visitor visit) const {
    for (unsigned bin = bin_of(least); bin < Bins::count; ++bin) {
        const std::size_t head = head_of(bin);
        for (std::size_t run = info_[head].next; run != head && is_free_run(run);
             run = info_[run].next) {
            if (info_[run].extent >= least) visit(run, info_[run].extent);
        }
    }
}

}  // namespace cairn
