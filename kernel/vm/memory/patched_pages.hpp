// SPDX-License-Identifier: MIT
// The pages of a guest that have breakpoints. Each is executed from a copy, and read and written
// where it is, never both at once:
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
// An instruction that accesses the page it lies in gets no further by that: its exit is answered
// otherwise (kernel/exit/patched_access.cpp).
//
// Borrows all. No locking: its owner guards it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <cairn/static_vector.hpp>
#include "kernel/host/memory/frame_source.hpp"
#include "kernel/vm/memory/code_patches.hpp"
#include "kernel/vm/memory/stage2_table.hpp"

namespace cairn {

class PatchedPages {
  public:
    static constexpr std::size_t most_pages = 16;
    static constexpr std::size_t most_in_page = 32;

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
    void remove_all();
    /// The same where the table is emptied anyway.
    void forget();

    [[nodiscard]] bool has(GuestPhys at) const;
    [[nodiscard]] bool holds(GuestPhys at) const { return find(at) != nullptr; }
    /// Where the page at `at` lies as the guest has it; nothing where it has no breakpoints.
    [[nodiscard]] std::optional<HostPhys> original(GuestPhys at) const {
        const Page* const page = find(at);
        return page == nullptr ? std::nullopt : std::optional(page->original);
    }
    /// Before Cairn itself reads or writes `range`.
    [[nodiscard]] bool open_for_access(GuestRange range);
    bool open(GuestPhys at, CodePatches::Use use);
    void give_up(GuestPhys at);

  private:
    struct Page {
        GuestPhys base;
        HostPhys original;
        HostPhys copy;
        CodePatches::Use open_for;
        static_vector<std::uint16_t, most_in_page> offsets;
    };

    [[nodiscard]] static GuestPhys page_of(GuestPhys at);
    [[nodiscard]] const Page* find(GuestPhys at) const;
    [[nodiscard]] Page* find(GuestPhys at) {
        return const_cast<Page*>(static_cast<const PatchedPages*>(this)->find(at));
    }
    [[nodiscard]] Page* add(GuestPhys at);
    void drop(Page& page);
    [[nodiscard]] bool turn(Page& page, CodePatches::Use use);

    FrameSource& frames_;
    Stage2Table& table_;
    TranslationFence* harts_;
    static_vector<Page, most_pages> pages_;
    static_vector<GuestPhys, most_pages> given_up_;
};

}  // namespace cairn
