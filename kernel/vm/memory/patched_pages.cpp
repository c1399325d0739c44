// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/vm/memory/patched_pages.hpp"

#include <algorithm>
#include <cstring>

#include <cairn/bits.hpp>

namespace cairn {
namespace {

using Use = CodePatches::Use;

constexpr PagePermissions pages_x{false, false, true};
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

bool PatchedPages::has(GuestPhys at) const {
    const Page* const page = find(at);
    return page != nullptr &&
           std::ranges::find(page->offsets, at - page->base) != page->offsets.end();
}

bool PatchedPages::insert(GuestPhys at) {
    if (has(at)) return true;
    const bool may_be = harts_ != nullptr && at.value % 2 == 0 &&
                        std::ranges::find(given_up_, page_of(at)) == given_up_.end();
    Page* const page = !may_be ? nullptr : holds(at) ? find(at) : add(at);
    if (page == nullptr) return false;
    const auto offset = static_cast<std::uint16_t>(at - page->base);
    if (!page->offsets.try_push_back(offset)) return false;
    // The next fetch has the copy made with it.
    if (page->open_for == Use::access || turn(*page, Use::access)) return true;
    page->offsets.pop_back();
    if (page->offsets.empty()) drop(*page);
    return false;
}

PatchedPages::Page* PatchedPages::add(GuestPhys at) {
    const GuestPhys base = page_of(at);
    const auto now = table_.translate(base);
    if (!now || now->permissions != pages_rwx || pages_.size() == pages_.capacity()) return nullptr;
    const auto copy = frames_.allocate_frames(1, paging::page_size);
    if (!copy) return nullptr;
    return pages_.try_push_back({.base = base,
                                 .original = now->host,
                                 .copy = *copy,
                                 .open_for = Use::fetch,
                                 .offsets = {}});
}

/// False where there is no memory for the table: as it was.
bool PatchedPages::turn(Page& page, Use use) {
    if (use == Use::fetch) {
        std::byte* const copy = frames_.at(page.copy);
        std::memcpy(copy, frames_.at(page.original), paging::page_size);
        for (const std::uint16_t offset : page.offsets)
            std::memcpy(copy + offset, &ebreak, sizeof(ebreak));
    }
    const HostPhys host = use == Use::fetch ? page.copy : page.original;
    const PagePermissions permissions = use == Use::fetch ? pages_x : pages_rw;
    if (!table_.move(page.base, host, paging::page_size, permissions, *harts_)) return false;
    page.open_for = use;
    return true;
}

bool PatchedPages::open(GuestPhys at, Use use) {
    Page* const page = find(at);
    return page != nullptr && page->open_for != use && turn(*page, use);
}

bool PatchedPages::open_for_access(GuestRange range) {
    for (Page& page : pages_) {
        const bool is_in = page.base < range.end() && range.base < page.base + paging::page_size;
        if (is_in && page.open_for != Use::access && !turn(page, Use::access)) return false;
    }
    return true;
}

/// Its leaf is of 4 KiB by now: no memory is needed for the table.
void PatchedPages::drop(Page& page) {
    (void)table_.move(page.base, page.original, paging::page_size, pages_rwx, *harts_);
    frames_.free_frames(page.copy, 1);
    pages_.erase(pages_.begin() + (&page - pages_.data()));
}

void PatchedPages::remove(GuestPhys at) {
    Page* const page = find(at);
    if (page == nullptr) return;
    const auto offset = std::ranges::find(page->offsets, at - page->base);
    if (offset == page->offsets.end()) return;
    page->offsets.erase(offset);
    if (page->offsets.empty()) return drop(*page);
    (void)open(at, Use::access);
}

void PatchedPages::remove_all() {
    while (!pages_.empty())
        drop(pages_.back());
    given_up_.clear();
}

void PatchedPages::give_up(GuestPhys at) {
    Page* const page = find(at);
    if (page == nullptr) return;
    (void)given_up_.try_push_back(page->base);
    drop(*page);
}

void PatchedPages::forget() {
    for (const Page& page : pages_)
        frames_.free_frames(page.copy, 1);
    pages_.clear();
    given_up_.clear();
}

}  // namespace cairn
