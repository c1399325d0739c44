// SPDX-License-Identifier: MIT
// A heap that looks for its users' mistakes, for tests and for builds that would rather be slow
// than wrong. Every block has ground around it (lib/cairn/heap/wrapper/hardened_block.hpp) that is
// checked when it comes back; it is filled when it is new and when it is freed; freed blocks wait
// in a quarantine and are checked again when they leave it; large ones lie between guard pages
// where the platform has them, and the pages of a freed one cannot be touched at all.
//
//     allocate -> base -> [guard] header block redzone [guard] -> user
//     user -> deallocate: header, size, alignment, ground -> fill -> quarantine -> look -> base
//
// Live blocks are in a list through their headers, so that `check_all` can look at all of them.
// With `look_back` each request looks at the block that was handed out last, and at the one that
// was freed last, so that what is written beyond them is seen soon.
//
// What is found is reported through the hook with address, size and owner, once, and the block is
// kept for good: neither reused nor followed. Thread-safe where the base is: the lock covers the
// quarantine and the change of a block from live to freed; blocks are filled and looked at, and the
// base and the hook called, without it. Borrows the base. When that is out of memory, the
// quarantine is emptied before anybody hears of it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/guard_pages.hpp"
#include "cairn/heap/wrapper/hardened_block.hpp"
#include "cairn/heap/wrapper/hardened_state.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

struct HardenedOptions {
    std::size_t quarantine_bytes = std::size_t{256} << 10;  ///< spans of freed blocks, at most
    std::size_t guard_from = std::size_t{64} << 10;         ///< the least size with guard pages
    std::size_t most_guarded = SIZE_MAX;                    ///< blocks that have them
    std::byte fresh{0xcd};                                  ///< what new blocks are filled with
    std::byte freed{0xdd};                                  ///< and freed ones; 0: zeroed on free
    bool look_back = false;                                 ///< at the last block, in each request
};

template <ByteAllocator A, GuardPages Platform = NoGuardPages, Lockable Lock = Spinlock>
class Hardened {
  public:
    /// `owner` and what the hook borrows outlive the heap.
    constexpr explicit Hardened(A& base, std::string_view owner = {}, FaultHook hook = {},
                                HardenedOptions options = {})
        : base_(base), owner_(owner), hook_(hook), options_(options) {}
    Hardened(const Hardened&) = delete;
    Hardened& operator=(const Hardened&) = delete;
    /// Lets the quarantine go; live blocks stay with the base.
    ~Hardened() { empty_quarantine(); }

    /// `mark` is the user's own.
    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout,
                                                                 std::uint8_t mark = 0) {
        if (options_.look_back) {
            report(state_.with(
                [this](HardenedState& state) { return state.look_back(options_.freed); }));
        }
        auto planned = hardened::plan(layout, may_guard(layout) ? Platform::page_size : 0);
        if (!planned) return std::unexpected(planned.error());
        auto span = base_.allocate(planned->whole());
        if (!span && empty_quarantine()) span = base_.allocate(planned->whole());
        if (!span) return span;
        planned->span = *span;
        planned->mark = mark;
        std::byte* const block = hardened::place(*planned);
        if (!protect_ends(*planned, block)) planned->guard = 0;
        if (planned->guard != 0) guarded_.fetch_add(1, std::memory_order_relaxed);
        state_.with([&](HardenedState& state) {
            planned->older = state.newest;
            hardened::set_up(block, *planned);
            hardened::link(state.newest, block);
        });
        fill(block, options_.fresh);
        return block;
    }

    void deallocate(std::byte* block, Layout layout) { (void)release(block, layout, {}); }
    void deallocate(std::byte* block) { (void)release(block, std::nullopt, {}); }
    /// The same of a block with that mark; of one with another mark it does nothing but to return
    /// what is known of it.
    [[nodiscard]] std::optional<HardenedBlock> deallocate_marked(std::byte* block,
                                                                 std::optional<Layout> layout,
                                                                 std::uint8_t mark) {
        return release(block, layout, mark);
    }

    /// Within the block's own span, where that stays about as large as such blocks have.
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return is_ours(block) && !report(judge(block, layout)) && !report_damage(block) &&
               state_.with([&](HardenedState& /*held*/) { return resize(block, new_size); });
    }

    /// What was asked for, as every byte more is redzone; 0 of what is no live block.
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        const auto found = find(block);
        return found ? found->size : 0;
    }
    /// Whether it lies in the heap below.
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return base_.owns(pointer);
    }

    /// Whether a live block, its header and its ground are as they should be; reports if not.
    bool check(const std::byte* block) {
        return is_ours(block) && !report(judge(block, std::nullopt)) && !report_damage(block);
    }

    /// What is known of a live block; nothing of what is none.
    [[nodiscard]] std::optional<HardenedBlock> find(const std::byte* block) const {
        if (!is_in_base(block)) return std::nullopt;
        return state_.with([=](const HardenedState& /*held*/) -> std::optional<HardenedBlock> {
            if (hardened::judge(block, std::nullopt)) return std::nullopt;
            return hardened::Header::before(block).contents();
        });
    }
    /// The block whose span an address lies in, for who explains what was touched there.
    [[nodiscard]] std::optional<HardenedState::Found> find_around(const void* address) const {
        return state_.with([=](const HardenedState& state) { return state.find_around(address); });
    }
    /// Of a live block.
    void set_mark(std::byte* block, std::uint8_t mark) {
        state_.with([=](HardenedState& /*held*/) {
            hardened::Header::before(block).change(
                [=](HardenedBlock& contents) { contents.mark = mark; });
        });
    }

    /// Looks at every live block, and at all that is in quarantine; reports the first damage.
    /// Whether there was none.
    bool check_all() {
        return !report(state_.with(
            [this](const HardenedState& state) { return state.look_at_all(options_.freed); }));
    }

    /// Looks at all that is in quarantine and gives it back; false if nothing was.
    bool empty_quarantine() {
        bool any = false;
        while (const auto entry = state_.with(
                   [](HardenedState& state) { return state.quarantine.take_oldest(); })) {
            give_back(*entry);
            any = true;
        }
        return any;
    }
    [[nodiscard]] std::size_t quarantined_bytes() const {
        return state_.with([](const HardenedState& state) { return state.quarantine.bytes(); });
    }

  private:
    static constexpr bool has_guards = Platform::page_size != 0;

    [[nodiscard]] bool may_guard(Layout layout) const {
        return has_guards && layout.size >= options_.guard_from &&
               guarded_.load(std::memory_order_relaxed) < options_.most_guarded;
    }

    std::optional<HardenedBlock> release(std::byte* block, std::optional<Layout> claimed,
                                         std::optional<std::uint8_t> mark) {
        if (block == nullptr || !is_ours(block)) return std::nullopt;
        std::optional<HardenedBlock> another;
        // Of two who free it at once, one is late.
        const auto wrong = state_.with([&](HardenedState& state) {
            const auto fault = hardened::judge(block, claimed);
            if (fault) {
                state.forget_damaged(block, fault->kind);
                return fault;
            }
            const HardenedBlock& contents = hardened::Header::before(block).contents();
            if (mark && *mark != contents.mark) {
                another = contents;
                return fault;
            }
            hardened::unlink(state.newest, block);
            hardened::close(block);
            return fault;
        });
        if (!another && !report(wrong) && !report_damage(block)) end(block);
        return another;
    }

    /// Under the lock. What is cut off goes to the system, where it has ways to take it.
    bool resize(std::byte* block, std::size_t new_size) {
        const HardenedBlock& contents = hardened::Header::before(block).contents();
        if (contents.guard == 0) return hardened::resize(block, new_size, options_.fresh);
        const Region last = contents.last_pages(block);
        if (new_size < options_.guard_from || new_size > contents.span_size()) return false;
        if (new_size > contents.size && !unhide(last, block + new_size, contents)) return false;
        const bool done = hardened::resize(block, new_size, options_.fresh);
        const Region now = contents.last_pages(block);
        if (now.size <= last.size) return done;
        const Region cut_off{now.base, now.size - last.size};
        if constexpr (requires { Platform::discard(cut_off); }) (void)Platform::discard(cut_off);
        (void)Platform::protect(cut_off);
        return done;
    }
    /// Makes those of the last pages accessible that lie before `end`, if a guard page is left.
    static bool unhide(Region last, const std::byte* end, const HardenedBlock& contents) {
        if (end <= last.base) return true;
        const auto wanted =
            align_up(static_cast<std::size_t>(end - last.base), std::size_t{contents.guard});
        return wanted && *wanted <= last.size - contents.guard &&
               Platform::unprotect({last.base, *wanted});
    }

    /// What is left of a block that is nobody's any more.
    void end(std::byte* block) {
        const HardenedBlock& contents = hardened::Header::before(block).contents();
        const std::size_t bytes = contents.span_size();
        const bool guarded = contents.guard != 0;
        fill(block, options_.freed);
        if (bytes > options_.quarantine_bytes) return give_back({block, bytes, guarded});
        // Pages that stay accessible are looked at instead when they leave.
        quarantine({block, bytes, guarded && Platform::protect(hardened::later_pages(block))});
    }

    void quarantine(Quarantine::Entry entry) {
        const auto displaced =
            state_.with([=](HardenedState& state) { return state.quarantine.put(entry); });
        if (displaced) give_back(*displaced);
        while (const auto old = state_.with([this](HardenedState& state) {
            return state.quarantine.take_excess(options_.quarantine_bytes);
        })) {
            give_back(*old);
        }
    }

    /// The last look at a freed block. One that was written to is kept, and so is one whose pages
    /// the platform does not make accessible again.
    void give_back(Quarantine::Entry entry) {
        std::byte* const block = entry.block;
        if (report(HardenedState::look_at(entry, options_.freed))) return;
        const HardenedBlock contents = hardened::Header::before(block).contents();
        if (contents.guard != 0) {
            const bool ends = Platform::unprotect(first_page(contents));
            if (!Platform::unprotect(hardened::later_pages(block)) || !ends) return;
            guarded_.fetch_sub(1, std::memory_order_relaxed);
        }
        if constexpr (GeneralHeap<A>) {
            base_.deallocate(contents.span);
        } else {
            base_.deallocate(contents.span, contents.whole());
        }
    }

    /// Zeros come from the system, page by page, where it has them.
    static void fill(std::byte* block, std::byte value) {
        if constexpr (requires(Region pages) { Platform::discard(pages); }) {
            const bool guarded = hardened::Header::before(block).contents().guard != 0;
            if (guarded && value == std::byte{}) {
                const Region own = hardened::own_pages(block);
                if (Platform::discard(own)) return hardened::fill(block, value, own);
            }
        }
        hardened::fill(block, value);
    }

    /// Takes access to the pages at both ends away; false if it does not work and all of them are
    /// accessible.
    [[nodiscard]] static bool protect_ends(const HardenedBlock& contents, const std::byte* block) {
        if (contents.guard == 0) return true;
        if (!Platform::protect(first_page(contents))) return false;
        return Platform::protect(contents.last_pages(block)) ||
               !Platform::unprotect(first_page(contents));
    }
    static Region first_page(const HardenedBlock& contents) {
        return {contents.span, contents.guard};
    }
    /// Before a header is looked for, where the allocator below can tell.
    [[nodiscard]] bool is_in_base(const std::byte* block) const {
        if constexpr (GeneralHeap<A>) {
            return base_.owns(block) && base_.owns(block - sizeof(hardened::Header));
        }
        return true;
    }
    /// Under the lock, as the list's changes change headers.
    [[nodiscard]] std::optional<HeapFault> judge(const std::byte* block,
                                                 std::optional<Layout> claimed) const {
        return state_.with(
            [=](const HardenedState& /*held*/) { return hardened::judge(block, claimed); });
    }
    bool is_ours(const std::byte* block) const {
        if (is_in_base(block)) return true;
        hook_({HeapFaultKind::foreign_pointer, block, 0, owner_});
        return false;
    }
    bool report(std::optional<HeapFault> fault) const {
        if (!fault) return false;
        fault->owner = owner_;
        hook_(*fault);
        return true;
    }
    bool report(std::optional<HardenedState::Finding> finding) const {
        if (finding) report_kind(finding->kind, finding->block);
        return finding.has_value();
    }
    bool report_damage(const std::byte* block) const {
        const auto kind = hardened::damage_around(block);
        if (kind) report_kind(*kind, block);
        return kind.has_value();
    }
    void report_kind(HeapFaultKind kind, const std::byte* block) const {
        const hardened::Header& header = hardened::Header::before(block);
        const std::size_t size = header.seal_is_right() ? header.contents().size : 0;
        hook_({.kind = kind, .address = block, .size = size, .owner = owner_});
    }

    A& base_;
    std::string_view owner_;
    FaultHook hook_;
    HardenedOptions options_;
    std::atomic<std::size_t> guarded_ = 0;  ///< blocks with guard pages, live or waiting or kept
    Guarded<HardenedState, Lock> state_;
};

}  // namespace cairn
