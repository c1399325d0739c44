// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/store/page_heap.hpp"

#include <algorithm>
#include <cstring>

namespace cairn {

namespace {

/// Pages to skip from `first` to the next one that is aligned.
std::size_t gap(std::size_t first, std::size_t alignment, std::size_t phase) {
    return (0 - first - phase) & (alignment - 1);
}

}  // namespace

void PageHeap::init(std::byte* metadata, std::size_t pages, std::uintptr_t window,
                    const FaultReporter& reporter, bool zeroed) {
    info_ = reinterpret_cast<PageInfo*>(metadata);
    use_ = reinterpret_cast<std::uint8_t*>(info_ + pages + Bins::count) + 1;
    pages_ = pages;
    free_ = 0;
    window_ = window;
    report_ = &reporter;
    if (!zeroed) std::memset(use_ - 1, 0, pages + 2);
    for (unsigned bin = 0; bin < Bins::count; ++bin)
        empty_ring(bin);
}

void PageHeap::empty_ring(unsigned bin) {
    link(head_of(bin), head_of(bin));
    bins_.clear(bin);
}

void PageHeap::set_use(std::size_t first, std::size_t count, std::uint8_t use) {
    std::memset(use_ + first, use, count);
}

void PageHeap::set_extent(std::size_t first, std::size_t count) {
    info_[first].extent = narrow(count);
    info_[first + count - 1].extent = narrow(count);
}

void PageHeap::link(std::size_t before, std::size_t after) {
    info_[before].next = narrow(after);
    info_[after].prev = narrow(before);
}

std::size_t PageHeap::allocate(std::size_t count, std::size_t alignment, std::size_t phase) {
    if (count == 0 || count > free_) return none;
    std::size_t run = take_run(count, alignment, phase, quick_look);
    if (run == none) run = take_run(count, alignment, phase, pages_);
    if (run == none) return none;
    const std::size_t length = info_[run].extent;
    const std::size_t front = gap(run, alignment, phase);
    const std::size_t first = run + front;
    if (front != 0) insert(run, front);
    if (front + count != length) insert(first + count, length - front - count);
    take(first, count);
    use_[first] = static_cast<std::uint8_t>(PageUse::run);
    set_extent(first, count);
    return first;
}

/// Turns free pages that belong to no run into used ones.
void PageHeap::take(std::size_t first, std::size_t count) {
    free_ -= count;
    set_use(first, count, PageUse::inside);
}

/// Takes the shortest free run with room for the request out of its ring, of those that are among
/// the first `limit` of a bin, from the first bin that has one. A ring with damage is given up.
std::size_t PageHeap::take_run(std::size_t count, std::size_t alignment, std::size_t phase,
                               std::size_t limit) {
    for (unsigned bin = bin_of(count); bin < Bins::count; ++bin) {
        bin = bins_.next(bin);
        if (bin == Bins::none) break;
        std::size_t best = none;
        std::size_t best_length = none;
        std::size_t run = info_[head_of(bin)].next;
        for (std::size_t left = limit; run != head_of(bin) && left != 0; --left) {
            if (!is_free_run(run)) {
                report(run);
                empty_ring(bin);
                break;
            }
            const std::size_t length = info_[run].extent;
            if (length < best_length && gap(run, alignment, phase) + count <= length) {
                best = run;
                best_length = length;
                if (length == count) break;
            }
            run = info_[run].next;
        }
        if (best == none) continue;
        if (unlink(best, best_length)) return best;
        empty_ring(bin);
    }
    return none;
}

void PageHeap::shrink(std::size_t first, std::size_t new_count) {
    const std::size_t count = info_[first].extent;
    if (new_count >= count) return;
    set_extent(first, new_count);
    release(first + new_count, count - new_count);
}

void PageHeap::split(std::size_t first, std::size_t at) {
    const std::size_t end = first + info_[first].extent;
    if (at <= first || at >= end) return;
    set_extent(first, at - first);
    set_extent(at, end - at);
    use_[at] = use_[first];
}

std::size_t PageHeap::run_of(std::size_t page) const {
    while (page != 0 && is(page, PageUse::inside))
        --page;
    return page;
}

bool PageHeap::extend(std::size_t first, std::size_t new_count) {
    const std::size_t count = info_[first].extent;
    if (new_count <= count) return new_count == count;
    const std::size_t more = new_count - count;
    const std::size_t after = first + count;
    if (!is(after, PageUse::free)) return false;
    const std::size_t length = info_[after].extent;
    if (length < more || !unlink(after, length)) return false;
    if (length != more) insert(after + more, length - more);
    take(after, more);
    set_extent(first, new_count);
    return true;
}

void PageHeap::release(std::size_t first, std::size_t count) {
    set_use(first, count, PageUse::free);
    free_ += count;
    const std::uint8_t* const use = use_ + first;
    if (use[-1] == static_cast<std::uint8_t>(PageUse::free)) {
        const std::size_t length = info_[first - 1].extent;
        if (unlink(first - length, length)) {
            first -= length;
            count += length;
        }
    }
    if (is(first + count, PageUse::free)) {
        const std::size_t length = info_[first + count].extent;
        if (unlink(first + count, length)) count += length;
    }
    insert(first, count);
}

void PageHeap::insert(std::size_t first, std::size_t count) {
    const unsigned bin = bin_of(count);
    const std::size_t head = head_of(bin);
    if (!is_linked(head)) {
        report(head);
        empty_ring(bin);
    }
    set_extent(first, count);
    link(first, info_[head].next);
    link(head, first);
    bins_.mark(bin);
}

bool PageHeap::unlink(std::size_t first, std::size_t length) {
    if (!is_free_run(first) || info_[first].extent != length || !is_linked(first)) {
        return report(first);
    }
    const std::size_t next = info_[first].next;
    const std::size_t prev = info_[first].prev;
    link(prev, next);
    if (next == prev) bins_.clear(static_cast<unsigned>(next - pages_));  // the head alone
    return true;
}

/// Whether `first` is a page where a free run starts, by what both ends of that run say.
bool PageHeap::is_free_run(std::size_t first) const {
    if (first >= pages_ || !is(first, PageUse::free)) return false;
    const std::size_t length = info_[first].extent;
    const std::size_t last = first + length - 1;
    return length != 0 && last < pages_ && is(last, PageUse::free) && info_[last].extent == length;
}

/// Whether both neighbours of `node` in its ring agree that they are.
bool PageHeap::is_linked(std::size_t node) const {
    const std::size_t next = info_[node].next;
    const std::size_t prev = info_[node].prev;
    const std::size_t end = pages_ + Bins::count;
    return next < end && prev < end && info_[next].prev == node && info_[prev].next == node;
}

std::uint32_t PageHeap::largest_free() const {
    const unsigned bin = bins_.last();
    if (bin == Bins::none) return 0;
    std::uint32_t largest = 0;
    for (std::size_t run = info_[head_of(bin)].next; is_free_run(run); run = info_[run].next)
        largest = std::max(largest, info_[run].extent);
    return largest;
}

bool PageHeap::check() const {
    std::size_t free = 0;
    std::size_t free_runs = 0;
    for (std::size_t page = 0; page < pages_;) {
        if (is(page, PageUse::foreign)) {
            ++page;
            continue;
        }
        const std::size_t length = checked_run(page);
        if (length == 0) return report(page);
        if (is(page, PageUse::free)) {
            free += length;
            ++free_runs;
        }
        page += length;
    }
    if (free != free_) return report(pages_);
    for (unsigned bin = 0; bin < Bins::count; ++bin) {
        if (!check_ring(bin, free_runs)) return false;
    }
    return free_runs == 0 || report(pages_);
}

/// Pages of the run at `first`; 0 where its pages disagree on it.
std::size_t PageHeap::checked_run(std::size_t first) const {
    const std::size_t length = info_[first].extent;
    const std::size_t end = first + length;
    if (length == 0 || end > pages_ || info_[end - 1].extent != length) return 0;
    const bool free = is(first, PageUse::free);
    // Free runs that touch would be one.
    if (is(first, PageUse::inside) || (free && is(end, PageUse::free))) return 0;
    for (std::size_t page = first; page < end; ++page) {
        if (is(page, PageUse::foreign) || is(page, PageUse::free) != free) return 0;
    }
    return length;
}

/// Compares the ring with the runs, and takes its members off their number.
bool PageHeap::check_ring(unsigned bin, std::size_t& runs) const {
    const std::size_t head = head_of(bin);
    if (!is_linked(head) || bins_.has(bin) != (info_[head].next != head)) return report(head);
    for (std::size_t run = info_[head].next; run != head; run = info_[run].next) {
        const bool good =
            runs != 0 && is_free_run(run) && is_linked(run) && bin_of(info_[run].extent) == bin;
        if (!good) return report(run);
        --runs;
    }
    return true;
}

/// Says where the damage is; false, for the caller to pass on.
bool PageHeap::report(std::size_t page) const {
    const std::uintptr_t offset = page < pages_ ? page * page_size : 0;
    (*report_)(HeapFaultKind::corrupt_page_table, reinterpret_cast<const void*>(window_ + offset));
    return false;
}

}  // namespace cairn
