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
// What is found is reported through the hook with address, size and owner, once, and the block is
// kept for good: neither reused nor followed. Thread-safe where the base is: the lock covers the
// quarantine and the change of a block from live to freed; blocks are filled and looked at, and the
// base and the hook called, without it. Borrows the base. When that is out of memory, the
// quarantine is emptied before anybody hears of it.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "cairn/guard_pages.hpp"
#include "cairn/heap/wrapper/hardened_block.hpp"
#include "cairn/heap/wrapper/quarantine.hpp"
#include "cairn/heap_fault.hpp"
#include "cairn/layout.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {

struct HardenedOptions {
    std::size_t quarantine_bytes = std::size_t{256} << 10;  ///< spans of freed blocks, at most
    std::size_t guard_from = std::size_t{64} << 10;         ///< the least size with guard pages
    std::byte fresh{0xcd};                                  ///< what new blocks are filled with
    std::byte freed{0xdd};                                  ///< and freed ones; 0: zeroed on free
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

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        auto planned = hardened::plan(layout, is_guarded(layout) ? Platform::page_size : 0);
        if (!planned) return std::unexpected(planned.error());
        auto span = base_.allocate(planned->whole());
        if (!span && empty_quarantine()) span = base_.allocate(planned->whole());
        if (!span) return span;
        planned->span = *span;
        std::byte* const block = hardened::place(*planned);
        if (!protect_ends(*planned)) planned->guard = 0;
        hardened::set_up(block, *planned, options_.fresh);
        return block;
    }

    void deallocate(std::byte* block, Layout layout) { release(block, layout); }
    void deallocate(std::byte* block) { release(block, std::nullopt); }

    /// Within the block's own span.
    [[nodiscard]] bool try_resize(std::byte* block, Layout layout, std::size_t new_size) {
        return is_ours(block) && !report(hardened::judge(block, layout)) && !report_damage(block) &&
               hardened::resize(block, new_size, options_.fresh);
    }

    /// What was asked for, as every byte more is redzone; 0 of what is no live block.
    [[nodiscard]] std::size_t usable_size(const std::byte* block) const {
        const hardened::Header& header = hardened::Header::before(block);
        return header.fault() ? 0 : header.contents().size;
    }
    /// Whether it lies in the heap below.
    [[nodiscard]] bool owns(const void* pointer) const
        requires GeneralHeap<A>
    {
        return base_.owns(pointer);
    }

    /// Whether a live block, its header and its ground are as they should be; reports if not.
    bool check(const std::byte* block) {
        return is_ours(block) && !report(hardened::judge(block, std::nullopt)) &&
               !report_damage(block);
    }

    /// Looks at all that is in quarantine and gives it back; false if nothing was.
    bool empty_quarantine() {
        bool any = false;
        while (const auto entry =
                   quarantine_.with([](Quarantine& ring) { return ring.take_oldest(); })) {
            give_back(entry->block);
            any = true;
        }
        return any;
    }
    [[nodiscard]] std::size_t quarantined_bytes() const {
        return quarantine_.with([](const Quarantine& ring) { return ring.bytes(); });
    }

  private:
    static constexpr bool has_guards = Platform::page_size != 0;

    [[nodiscard]] bool is_guarded(Layout layout) const {
        return has_guards && layout.size >= options_.guard_from;
    }

    void release(std::byte* block, std::optional<Layout> claimed) {
        if (block == nullptr || !is_ours(block)) return;
        // Of two who free it at once, one is late.
        const auto wrong = quarantine_.with([=](Quarantine&) {
            const auto fault = hardened::judge(block, claimed);
            if (!fault) hardened::close(block);
            return fault;
        });
        if (report(wrong) || report_damage(block)) return;
        hardened::fill(block, options_.freed);
        const HardenedBlock& contents = hardened::Header::before(block).contents();
        const std::size_t bytes = contents.total;
        if (bytes > options_.quarantine_bytes) return give_back(block);
        // Pages that stay accessible are looked at instead when they leave.
        if (contents.guard != 0) (void)Platform::protect(later_pages(block));
        quarantine(block, bytes);
    }

    void quarantine(std::byte* block, std::size_t bytes) {
        const auto displaced =
            quarantine_.with([=](Quarantine& ring) { return ring.put({block, bytes}); });
        if (displaced) give_back(displaced->block);
        while (const auto old = quarantine_.with([this](Quarantine& ring) {
            return ring.take_excess(options_.quarantine_bytes);
        })) {
            give_back(old->block);
        }
    }

    /// The last look at a freed block. One that was written to is kept, and so is one whose pages
    /// the platform does not make accessible again.
    void give_back(std::byte* block) {
        const hardened::Header& header = hardened::Header::before(block);
        if (header.seal_is_right() && header.contents().guard != 0) {
            const bool ends = Platform::unprotect(first_page(header.contents()));
            if (!Platform::unprotect(later_pages(block)) || !ends) return;
        }
        if (!hardened::is_untouched(block, options_.freed)) {
            report_kind(HeapFaultKind::use_after_free, block);
            return;
        }
        const HardenedBlock contents = header.contents();
        base_.deallocate(contents.span, contents.whole());
    }

    /// Takes access to both guard pages away; false if it does not work and both are accessible.
    [[nodiscard]] static bool protect_ends(const HardenedBlock& contents) {
        if (contents.guard == 0) return true;
        if (!Platform::protect(first_page(contents))) return false;
        const Region last{contents.span + contents.total - contents.guard, contents.guard_size()};
        return Platform::protect(last) || !Platform::unprotect(first_page(contents));
    }
    static Region first_page(const HardenedBlock& contents) {
        return {contents.span, contents.guard_size()};
    }
    /// From the first page that the header does not share, to the span's end.
    static Region later_pages(std::byte* block) {
        const HardenedBlock& contents = hardened::Header::before(block).contents();
        std::byte* const first =
            block + (-reinterpret_cast<std::uintptr_t>(block) & (contents.guard_size() - 1));
        return {first, static_cast<std::size_t>(contents.span + contents.total - first)};
    }

    /// Before a header is looked for, where the allocator below can tell.
    bool is_ours(const std::byte* block) const {
        if constexpr (GeneralHeap<A>) {
            if (!base_.owns(block) || !base_.owns(block - sizeof(hardened::Header))) {
                hook_({HeapFaultKind::foreign_pointer, block, 0, owner_});
                return false;
            }
        }
        return true;
    }
    bool report(std::optional<HeapFault> fault) const {
        if (!fault) return false;
        fault->owner = owner_;
        hook_(*fault);
        return true;
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
    Guarded<Quarantine, Lock> quarantine_;
};

}  // namespace cairn
