// SPDX-License-Identifier: MIT
// The pages of a guest that have breakpoints or watchpoints. One with breakpoints is executed from
// a copy, and read and written where it is, never both at once:
//
//     G-stage leaf    │ maps to                    │ permits │ until a hart of the guest
//     for fetches     │ the copy, with ebreaks     │ --x     │ reads or writes the page
//     for accesses    │ the page itself            │ rw-     │ fetches from it
//
// Each such exit turns the leaf round. The copy is made anew for it, so it has what was written
// meanwhile, by whomever and however: atomics, walks of page tables and devices reach the page
// itself. RISC-V Privileged Architecture, "Sv32": a leaf with X alone is valid, and data is not
// read by it while MXR of the hypervisor's own sstatus is 0, as it is; vsstatus.MXR is for the
// guest's tables alone ("Two-Stage Address Translation").
//
// A page with watchpoints is not written to by harts, and where reads count, not read. Both leaves
// permit less then; a leaf that would permit nothing is not there:
//
//     watched         │ without breakpoints: one leaf │ with: for fetches, for accesses
//     writes          │ r-x                           │ --x, r--
//     reads, too      │ --x                           │ --x, none
//
// What harts may not do to a watched page is carried out for them (kernel/exit/debugged_page.cpp).
// So is an access of an instruction to the page with breakpoints that it lies in, which gets no
// further by turning.
//
// Borrows all. No locking: its owner guards it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <cairn/static_vector.hpp>
#include "kernel/host/memory/frame_source.hpp"
#include "kernel/vm/memory/debug_points.hpp"
#include "kernel/vm/memory/stage2_table.hpp"

namespace cairn {

class PatchedPages {
  public:
    static constexpr std::size_t most_pages = 16;
    static constexpr std::size_t most_in_page = 32;  ///< breakpoints
    static constexpr std::size_t most_watchpoints = 16;

    using Use = DebugPoints::Use;

    /// `frames` are for copies. `harts` has every hart that may run the guest forget, instructions,
    /// too; nullptr: there are no breakpoints.
    PatchedPages(FrameSource& frames, Stage2Table& table, TranslationFence* harts)
        : frames_(frames), table_(table), harts_(harts) {}
    PatchedPages(const PatchedPages&) = delete;
    PatchedPages& operator=(const PatchedPages&) = delete;
    ~PatchedPages() { forget(); }

    /// The page of `at`, all of it RAM that the guest may read, write and execute, or patched.
    [[nodiscard]] bool insert(GuestPhys at);
    void remove(GuestPhys at);
    [[nodiscard]] bool insert(const Watchpoint& point);
    void remove(const WatchedBytes& named, WatchKind kind);
    void remove_all();
    /// The same where the table is emptied anyway.
    void forget();

    [[nodiscard]] bool has(GuestPhys at) const;
    [[nodiscard]] std::optional<Watchpoint> met_by(GuestRange at, AccessEffect effect) const;
    [[nodiscard]] DebugPoints::Page page(GuestPhys at) const;
    /// Where the page at `at` lies as the guest has it; nothing where it is not patched.
    [[nodiscard]] std::optional<HostPhys> original(GuestPhys at) const {
        const Page* const page = find(at);
        return page == nullptr ? std::nullopt : std::optional(page->original);
    }
    /// Before Cairn itself reads or writes `range`.
    [[nodiscard]] bool open_for_access(GuestRange range);
    bool open(GuestPhys at, Use use);
    void give_up(GuestPhys at);

  private:
    struct Page {
        GuestPhys base;
        HostPhys original;
        std::optional<HostPhys> copy{};  ///< while there are breakpoints
        Use open_for = Use::access;
        static_vector<std::uint16_t, most_in_page> offsets{};
    };

    [[nodiscard]] static GuestPhys page_of(GuestPhys at);
    [[nodiscard]] bool is_watched(GuestPhys base) const;
    [[nodiscard]] bool has_reads_watched(GuestPhys base) const;
    [[nodiscard]] PagePermissions permissions(const Page& page, Use use) const;
    [[nodiscard]] const Page* find(GuestPhys at) const;
    [[nodiscard]] Page* find(GuestPhys at) {
        return const_cast<Page*>(static_cast<const PatchedPages*>(this)->find(at));
    }
    [[nodiscard]] Page* find_or_add(GuestPhys at);
    [[nodiscard]] bool set_leaf(const Page& page, HostPhys host, PagePermissions permissions);
    [[nodiscard]] bool end_writes(const Page& page);
    [[nodiscard]] bool turn(Page& page, Use use);
    bool settle(Page& page);
    void drop(Page& page);

    FrameSource& frames_;
    Stage2Table& table_;
    TranslationFence* harts_;
    static_vector<Page, most_pages> pages_;
    static_vector<Watchpoint, most_watchpoints> watchpoints_;
    static_vector<GuestPhys, most_pages> given_up_;
};

}  // namespace cairn
