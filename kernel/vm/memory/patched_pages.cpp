// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/vm/memory/patched_pages.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <cairn/bits.hpp>

namespace cairn {
namespace {

constexpr PagePermissions nothing{};
/// Unprivileged ISA, "C" extension: c.ebreak. It fits wherever an instruction begins, and never
/// lies in two pages.
constexpr std::uint16_t ebreak = 0x9002;

}  // namespace

GuestPhys PatchedPages::page_of(GuestPhys at) {
    return {align_down(at.value, paging::page_size)};
}

const PatchedPages::Page* PatchedPages::find(GuestPhys at) const {
    const auto found = std::ranges::find(pages_, page_of(at), &Page::base);
    return found == pages_.end() ? nullptr : &*found;
}

bool PatchedPages::is_watched(GuestPhys base) const {
    return std::ranges::any_of(
        watchpoints_, [base](const Watchpoint& each) { return page_of(each.range.base) == base; });
}

bool PatchedPages::has_reads_watched(GuestPhys base) const {
    return std::ranges::any_of(watchpoints_, [base](const Watchpoint& each) {
        return page_of(each.range.base) == base && each.kind != WatchKind::write;
    });
}

DebugPoints::Page PatchedPages::page(GuestPhys at) const {
    const Page* const page = find(at);
    if (page == nullptr) return {};
    return {.breakpoints = !page->offsets.empty(), .watchpoints = is_watched(page->base)};
}

bool PatchedPages::has(GuestPhys at) const {
    const Page* const page = find(at);
    return page != nullptr &&
           std::ranges::find(page->offsets, at - page->base) != page->offsets.end();
}

std::optional<Watchpoint> PatchedPages::met_by(GuestRange at, AccessEffect effect) const {
    const auto met = std::ranges::find_if(
        watchpoints_, [at, effect](const Watchpoint& each) { return each.is_met_by(at, effect); });
    return met == watchpoints_.end() ? std::nullopt : std::optional(*met);
}

// Leaves.

PagePermissions PatchedPages::permissions(const Page& page, Use use) const {
    const bool has_copy = page.copy.has_value();
    const bool executes = use == Use::fetch || !has_copy;
    const bool accesses = use == Use::access || !has_copy;
    const bool reads = accesses && !has_reads_watched(page.base);
    return {.read = reads, .write = reads && !is_watched(page.base), .execute = executes};
}

/// False where there is no memory for the table: as it was.
bool PatchedPages::set_leaf(const Page& page, HostPhys host, PagePermissions permissions) {
    const auto now = table_.translate(page.base);
    const bool goes = permissions == nothing;
    if (now ? now->host == host && now->permissions == permissions : goes) return true;
    if (now && !goes)
        return table_.move(page.base, host, paging::page_size, permissions, *harts_).has_value();
    if (goes) return table_.unmap(page.base, paging::page_size, *harts_).has_value();
    const bool done = table_.map(page.base, host, paging::page_size, permissions).has_value();
    harts_->forget(page.base.value, paging::page_size);
    return done;
}

/// What is stored there from now on waits.
bool PatchedPages::end_writes(const Page& page) {
    const auto now = table_.translate(page.base);
    return !now || !now->permissions.write || set_leaf(page, page.original, pages_r);
}

bool PatchedPages::turn(Page& page, Use use) {
    HostPhys host = page.original;
    if (use == Use::fetch && page.copy) {
        if (!end_writes(page)) return false;
        host = *page.copy;
        std::byte* const copy = frames_.at(host);
        std::memcpy(copy, frames_.at(page.original), paging::page_size);
        for (const std::uint16_t offset : page.offsets)
            std::memcpy(copy + offset, &ebreak, sizeof(ebreak));
    }
    if (!set_leaf(page, host, permissions(page, use))) return false;
    page.open_for = use;
    return true;
}

bool PatchedPages::open(GuestPhys at, Use use) {
    Page* const page = find(at);
    return page != nullptr && page->copy && page->open_for != use && turn(*page, use);
}

bool PatchedPages::open_for_access(GuestRange range) {
    for (Page& page : pages_) {
        const bool is_in = page.base < range.end() && range.base < page.base + paging::page_size;
        if (is_in && page.copy && page.open_for != Use::access && !turn(page, Use::access))
            return false;
    }
    return true;
}

// What is there.

PatchedPages::Page* PatchedPages::find_or_add(GuestPhys at) {
    const GuestPhys base = page_of(at);
    if (Page* const page = find(base)) return page;
    const bool may_be = harts_ != nullptr && std::ranges::find(given_up_, base) == given_up_.end();
    const auto now = table_.translate(base);
    if (!may_be || !now || now->permissions != pages_rwx) return nullptr;
    return pages_.try_push_back({.base = base, .original = now->host});
}

/// After a point has come or gone: the page has a copy where it needs one, and the leaf for
/// accesses; the next fetch has the copy made with what is there now. False where there is no
/// memory, which is only where a point has come.
bool PatchedPages::settle(Page& page) {
    if (page.offsets.empty() && !is_watched(page.base)) return drop(page), true;
    if (page.offsets.empty()) {
        const auto unused = std::exchange(page.copy, std::nullopt);
        const bool done = turn(page, Use::access);
        if (unused) frames_.free_frames(*unused, 1);
        return done;
    }
    if (!page.copy) page.copy = frames_.allocate_frames(1, paging::page_size);
    return page.copy && turn(page, Use::access);
}

bool PatchedPages::insert(GuestPhys at) {
    if (has(at)) return true;
    Page* const page = at.value % 2 == 0 ? find_or_add(at) : nullptr;
    if (page == nullptr) return false;
    const auto offset = static_cast<std::uint16_t>(at - page->base);
    const bool fits = page->offsets.try_push_back(offset) != nullptr;
    if (fits && settle(*page)) return true;
    if (fits) page->offsets.pop_back();
    (void)settle(*page);
    return false;
}

void PatchedPages::remove(GuestPhys at) {
    Page* const page = find(at);
    if (page == nullptr) return;
    const auto offset = std::ranges::find(page->offsets, at - page->base);
    if (offset == page->offsets.end()) return;
    page->offsets.erase(offset);
    (void)settle(*page);
}

bool PatchedPages::insert(const Watchpoint& point) {
    if (std::ranges::find(watchpoints_, point) != watchpoints_.end()) return true;
    if (point.range.size == 0 || page_of(point.range.base) != page_of(point.range.end() - 1))
        return false;
    Page* const page = find_or_add(point.range.base);
    if (page == nullptr) return false;
    const bool fits = watchpoints_.try_push_back(point) != nullptr;
    if (fits && settle(*page)) return true;
    if (fits) watchpoints_.pop_back();
    (void)settle(*page);
    return false;
}

void PatchedPages::remove(const WatchedBytes& named, WatchKind kind) {
    const auto is_part = [&named, kind](const Watchpoint& each) {
        return each.named == named && each.kind == kind;
    };
    for (auto part = std::ranges::find_if(watchpoints_, is_part); part != watchpoints_.end();
         part = std::ranges::find_if(watchpoints_, is_part)) {
        Page* const page = find(part->range.base);
        watchpoints_.erase(part);
        if (page != nullptr) (void)settle(*page);
    }
}

/// Its leaf is of 4 KiB by now: no memory is needed for the table.
void PatchedPages::drop(Page& page) {
    (void)set_leaf(page, page.original, pages_rwx);
    if (page.copy) frames_.free_frames(*page.copy, 1);
    pages_.erase(pages_.begin() + (&page - pages_.data()));
}

void PatchedPages::remove_all() {
    watchpoints_.clear();
    while (!pages_.empty())
        drop(pages_.back());
    given_up_.clear();
}

void PatchedPages::give_up(GuestPhys at) {
    Page* const page = find(at);
    if (page == nullptr) return;
    (void)given_up_.try_push_back(page->base);
    (void)erase_if(watchpoints_, [page](const Watchpoint& each) {
        return page_of(each.range.base) == page->base;
    });
    drop(*page);
}

void PatchedPages::forget() {
    for (const Page& page : pages_) {
        if (page.copy) frames_.free_frames(*page.copy, 1);
    }
    pages_.clear();
    watchpoints_.clear();
    given_up_.clear();
}

}  // namespace cairn
