// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap/store/slab_store.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace cairn {

/// The second descriptor of a slab, by its meaning.
struct SlabStore::SlabInfo {
    std::uint32_t& live;
    std::uint32_t& free_list;
    std::uint32_t& carved;

    /// Whether a slot that was out at some time begins there. Offsets and classes are in units of
    /// 16 bytes both.
    [[nodiscard]] bool has_carved(std::uint64_t offset, std::size_t small_class) const {
        return offset < std::uint64_t{carved} * small_class && offset % small_class == 0;
    }
    /// Whether it has no slot to give, and is in no list.
    [[nodiscard]] bool has_none(std::size_t small_class) const {
        return free_list == no_slot && carved == slots_per_slab(small_class);
    }
};

void SlabStore::init(PageHeap& pages, std::byte* window, std::uintptr_t canary,
                     const FaultReporter& report) {
    infos_ = &pages.info(0);
    use_ = pages.use_map();
    window_ = window;
    canary_ = canary;
    report_ = &report;
}

SlabStore::SlabInfo SlabStore::slab(std::size_t first) const {
    PageInfo& second = infos_[first + 1];
    return {.live = second.extent, .free_list = second.next, .carved = second.prev};
}

/// Puts a slab at the front of a list, which becomes its owner's.
void SlabStore::link(std::size_t small_class, std::size_t first, std::uint32_t owner) {
    std::uint32_t& list = slabs_[owner][small_class];
    PageInfo* const slab = &infos_[first];
    const auto number = static_cast<std::uint32_t>(first + 1);
    slab->next = list;
    slab->prev = 0;
    if (list != 0) infos_[list - 1].prev = number;
    list = number;
    __atomic_store_n(&slab[2].extent, owner, __ATOMIC_RELAXED);
}

void SlabStore::unlink(std::size_t small_class, std::size_t first) {
    const PageInfo* const slab = &infos_[first];
    if (slab->prev == 0) {
        slabs_[slab[2].extent][small_class] = slab->next;
    } else {
        infos_[slab->prev - 1].next = slab->next;
    }
    if (slab->next != 0) infos_[slab->next - 1].prev = slab->prev;
}

std::uint32_t SlabStore::join() {
    std::uint32_t least = 1;
    for (std::uint32_t owner = 2; owner < owners; ++owner) {
        if (members_[owner] < members_[least]) least = owner;
    }
    add_members(least, 1);
    return least;
}

void SlabStore::add_slab(std::size_t small_class, std::uint32_t owner, std::size_t first) {
    set_use(first, PageUse::uncarved);
    // The first page says whose slab it is, so it is never without a class.
    enter_page(small_class, first, 0);
    const SlabInfo info = slab(first);
    info.live = 0;
    info.free_list = no_slot;
    info.carved = 0;
    free_bytes_ += slots_per_slab(small_class) * class_size(small_class);
    link(small_class, first, owner);
    last_slab_ = std::max(last_slab_, first);
}

bool SlabStore::take_over(std::size_t small_class, std::uint32_t owner, bool anybody) {
    for (std::uint32_t other = 0; other < owners; ++other) {
        const std::uint32_t slab = slabs_[other][small_class];
        if (slab == 0 || (members_[other] != 0 && !anybody)) continue;
        unlink(small_class, slab - 1);
        link(small_class, slab - 1, owner);
        return true;
    }
    return false;
}

/// One slot of a slab: from its free list, then the next that was never out; nullptr if it has
/// none. One that was written to is reported and left, and so is all of a free list that leads
/// astray: the slots on it are lost, those not carved yet are not.
std::byte* SlabStore::pop(std::size_t small_class, std::size_t first) {
    const SlabInfo info = slab(first);
    const std::size_t size = class_size(small_class);
    while (!info.has_none(small_class)) {
        const bool is_new = info.free_list == no_slot;
        const std::size_t offset =
            is_new ? info.carved++ * size : std::size_t{info.free_list} * class_size(1);
        if (is_new && offset % heap_page < size && offset != 0)
            enter_page(small_class, first, offset);
        auto* const slot = reinterpret_cast<FreeSlot*>(address(first) + offset);
        const std::uint64_t next = is_new ? no_slot : slot->next_offset;
        const bool plausible = next == no_slot || info.has_carved(next, small_class);
        const bool sound = plausible && slot->canary == canary_;
        info.free_list = sound ? static_cast<std::uint32_t>(next) : no_slot;
        if (sound) [[likely]]
            return reinterpret_cast<std::byte*>(slot);
        (*report_)(plausible ? HeapFaultKind::use_after_free : HeapFaultKind::corrupt_free_list,
                   slot, size);
    }
    return nullptr;
}

/// Writes the canaries of the page that the slot at `offset` starts in as its first one.
void SlabStore::enter_page(std::size_t small_class, std::size_t first, std::size_t offset) {
    const std::size_t page = offset / heap_page;
    __atomic_store_n(&use_[first + page], static_cast<std::uint8_t>(small_class), __ATOMIC_RELAXED);
    const std::size_t size = class_size(small_class);
    const std::size_t end =
        std::min<std::size_t>((page + 1) * heap_page, slots_per_slab(small_class) * size);
    for (std::size_t at = offset; at < end; at += size)
        reinterpret_cast<FreeSlot*>(address(first) + at)->canary = canary_;
}

std::size_t SlabStore::take(std::size_t small_class, std::uint32_t owner, std::byte** slots,
                            std::size_t wanted) {
    const std::uint32_t& list = slabs_[owner][small_class];
    while (list != 0 || take_over(small_class, owner, false)) {
        const std::size_t first = list - 1U;
        const SlabInfo info = slab(first);
        std::size_t taken = 0;
        while (taken < wanted) {
            std::byte* const slot = pop(small_class, first);
            if (slot == nullptr) break;
            slots[taken++] = slot;
        }
        info.live += static_cast<std::uint32_t>(taken);
        free_bytes_ -= taken * class_size(small_class);
        if (info.has_none(small_class)) unlink(small_class, first);
        if (spares_[small_class] == first + 1) spares_[small_class] = 0;
        if (taken != 0) return taken;
    }
    return 0;
}

std::size_t SlabStore::give(std::byte* slot) {
    const std::size_t first = slab_of(slot);
    const std::size_t small_class = use_[first];
    const SlabInfo info = slab(first);
    const bool was_full = info.has_none(small_class);
    reinterpret_cast<FreeSlot*>(slot)->next_offset = info.free_list;
    info.free_list = static_cast<std::uint32_t>(slot - address(first)) / 16;
    if (was_full) link(small_class, first, infos_[first + 2].extent);
    free_bytes_ += class_size(small_class);
    if (--info.live != 0) return PageHeap::none;
    unlink(small_class, first);
    if (spares_[small_class] == 0) {
        spares_[small_class] = static_cast<std::uint32_t>(first + 1);
        link(small_class, first, 0);
        return PageHeap::none;
    }
    free_bytes_ -= slots_per_slab(small_class) * class_size(small_class);
    return first;
}

std::size_t SlabStore::drop_spare() {
    std::size_t small_class = small_classes;
    while (spares_[small_class] == 0 && small_class != 0)
        --small_class;
    const std::uint32_t spare = std::exchange(spares_[small_class], 0);
    if (spare == 0) return PageHeap::none;
    unlink(small_class, spare - 1);
    free_bytes_ -= slots_per_slab(small_class) * class_size(small_class);
    return spare - 1;
}

// --- slabs that are taken apart ------------------------------------------------------------------

namespace {

constexpr std::uint32_t most_out = 32;  // of a slab that is taken apart: that bounds its rows

/// A bit for each slot.
bool has_bit(const std::uint32_t* bits, std::uint32_t slot) {
    return (bits[slot / 32] >> slot % 32 & 1) != 0;
}
void set_bits(std::uint32_t* bits, std::uint32_t from, std::uint32_t to, bool value) {
    while (from < to) {
        const std::uint32_t next = std::min((from | 31) + 1, to);
        const std::uint32_t mask = ~std::uint32_t{0} >> (32 - (next - from)) << from % 32;
        std::uint32_t& word = bits[from / 32];
        word = value ? word | mask : word & ~mask;
        from = next;
    }
}
/// The first of the slots from `from` on whose bit is `value`; `end` if none is.
std::uint32_t find_bit(const std::uint32_t* bits, std::uint32_t from, std::uint32_t end,
                       bool value) {
    while (from < end) {
        const std::uint32_t word = (value ? bits[from / 32] : ~bits[from / 32]) >> from % 32;
        if (word != 0) return std::min(from + static_cast<unsigned>(std::countr_zero(word)), end);
        from = (from | 31) + 1;
    }
    return end;
}

}  // namespace

/// Its descriptors, by their meaning.
struct SlabStore::Apart {
    PageInfo* info;
    std::byte* base;

    /// A bit for each slot: the links and all of the second descriptor are words in a row.
    [[nodiscard]] std::uint32_t* out() const { return &info[0].next; }
    [[nodiscard]] std::uint32_t& small_class() const { return info[2].next; }
    [[nodiscard]] std::uint32_t slots() const { return slots_per_slab(small_class()); }
    [[nodiscard]] std::uint32_t slot_of(const std::byte* pointer) const {
        return static_cast<std::uint32_t>(static_cast<std::size_t>(pointer - base) /
                                          class_size(small_class()));
    }
    /// Where a slot begins. What lies behind the last one goes with it.
    [[nodiscard]] std::byte* begin(std::uint32_t slot) const {
        return base + (slot == slots() ? slab_size : slot * class_size(small_class()));
    }
};

SlabStore::Apart SlabStore::apart(std::size_t first) const {
    return {.info = &infos_[first], .base = address(first)};
}

/// Harts that have something in these pages may look at the time.
void SlabStore::set_use(std::size_t first, PageUse use) {
    for (std::size_t page = first; page < first + slab_pages; ++page)
        __atomic_store_n(&use_[page], static_cast<std::uint8_t>(use), __ATOMIC_RELAXED);
}

std::size_t SlabStore::next_sparse() {
    for (unsigned looks = 16; looks != 0; --looks) {
        cursor_ = cursor_ < slab_pages ? last_slab_ : cursor_ - slab_pages;
        const std::size_t c = __atomic_load_n(&use_[cursor_], __ATOMIC_RELAXED);
        if (c < smallest_apart || c > small_classes) continue;
        if (slab(cursor_).has_none(c)) continue;  // what was free was given up
        const std::uint32_t out = live(cursor_);
        if (out != 0 && out <= std::min(slots_per_slab(c) * 3 / 8, most_out)) return cursor_;
    }
    return PageHeap::none;
}

bool SlabStore::take_apart(std::size_t first) {
    const std::size_t small_class = use_[first];
    const SlabInfo info = slab(first);
    waiting_ = {};
    std::uint32_t left = info.carved - info.live;
    for (std::uint64_t at = info.free_list; at != no_slot; --left) {
        const auto* slot = reinterpret_cast<const FreeSlot*>(address(first) + at * 16);
        const std::uint64_t index = at / small_class;
        if (left == 0 || index >= info.carved || index * small_class != at ||
            slot->canary != canary_) {
            (void)check(first);
            info.free_list = no_slot;
            if (info.has_none(small_class)) unlink(small_class, first);
            return false;
        }
        waiting_[static_cast<std::size_t>(index / 32)] |= std::uint32_t{1} << index % 32;
        at = slot->next_offset;
    }
    set_bits(waiting_.data(), info.carved, slots_per_slab(small_class), true);
    waiting_slab_ = first;
    waiting_at_ = 0;
    unlink(small_class, first);
    const Apart slab = apart(first);
    slab.small_class() = static_cast<std::uint32_t>(small_class);
    std::fill_n(slab.out(), words_apart, ~std::uint32_t{0});
    set_use(first, PageUse::apart);
    ++apart_;
    return true;
}

/// The row around slots that are no longer out.
auto SlabStore::open(std::size_t first, std::uint32_t from, std::uint32_t to) -> const Opened& {
    const Apart slab = apart(first);
    std::byte* const begin = slab.begin(from);
    const auto size = static_cast<std::size_t>(slab.begin(to) - begin);
    set_bits(slab.out(), from, to, false);
    while (from != 0 && !has_bit(slab.out(), from - 1))
        from = slab.out()[(from - 1) / 32] == 0 ? (from - 1) & ~31U : from - 1;
    to = find_bit(slab.out(), to, slab.slots(), true);
    std::byte* const row = slab.begin(from);
    const auto row_size = static_cast<std::size_t>(slab.begin(to) - row);
    if (row_size == slab_size) {
        --apart_;
        if (waiting_slab_ == first) waiting_slab_ = PageHeap::none;
        set_use(first, PageUse::block_chunk);
    }
    opened_ = {.part = {begin, size}, .row = {row, row_size}};
    return opened_;
}

auto SlabStore::open_row() -> const Opened& {
    const std::size_t first = waiting_slab_;
    const Apart slab = apart(first);
    std::uint32_t* const waiting = waiting_.data();
    const std::uint32_t from = find_bit(waiting, waiting_at_, slab.slots(), true);
    const std::uint32_t to = find_bit(waiting, from, slab.slots(), false);
    set_bits(waiting, from, to, false);
    free_bytes_ -= (to - from) * class_size(slab.small_class());
    waiting_at_ = to;
    if (from == to) {
        waiting_slab_ = PageHeap::none;
        opened_ = {};
        return opened_;
    }
    return open(first, from, to);
}

auto SlabStore::give_apart(const std::byte* slot) -> const Opened& {
    const std::size_t first = slab_of(slot);
    const std::uint32_t index = apart(first).slot_of(slot);
    return open(first, index, index + 1);
}

std::uint8_t SlabStore::use_apart(const std::byte* pointer) const {
    const Apart slab = apart(slab_of(pointer));
    const std::uint32_t slot = slab.slot_of(pointer);
    auto use = static_cast<std::uint32_t>(PageUse::block_chunk);
    if (slot < slab.slots()) {
        const bool is_after_slot = slot == 0 || has_bit(slab.out(), slot - 1);
        if (has_bit(slab.out(), slot)) {
            use = slab.small_class();
        } else if (is_after_slot && slab.begin(slot) == pointer) {
            use = static_cast<std::uint32_t>(PageUse::free);
        }
    }
    return static_cast<std::uint8_t>(use);
}

bool SlabStore::is_waiting(const std::byte* slot) const {
    const std::size_t first = slab_of(slot);
    return first == waiting_slab_ && has_bit(waiting_.data(), apart(first).slot_of(slot));
}

// --- looking -------------------------------------------------------------------------------------

SlabStore::SlotState SlabStore::state_of(const std::byte* slot) const {
    const std::size_t first = slab_of(slot);
    const SlabInfo info = slab(first);
    const auto offset = static_cast<std::size_t>(slot - address(first));
    if (offset >= info.carved * class_size(use_[first])) {
        return SlotState::uncarved;
    }
    std::uint64_t at = info.free_list;
    for (std::uint32_t left = info.carved; left != 0 && at < slab_size / 16; --left) {
        if (at * 16 == offset) return SlotState::free;
        at = reinterpret_cast<const FreeSlot*>(address(first) + at * 16)->next_offset;
    }
    return SlotState::out;
}

bool SlabStore::check(std::size_t first) const {
    const std::size_t small_class = use_[first];
    const SlabInfo info = slab(first);
    const auto fault = [&](HeapFaultKind kind, const void* at) {
        (*report_)(kind, at, class_size(small_class));
        return false;
    };
    std::uint32_t free_slots = 0;
    for (std::uint64_t at = info.free_list; at != no_slot; ++free_slots) {
        if (!info.has_carved(at, small_class) || free_slots > info.carved) {
            return fault(HeapFaultKind::corrupt_free_list, address(first));
        }
        const auto* slot = reinterpret_cast<const FreeSlot*>(address(first) + at * 16);
        if (slot->canary != canary_) return fault(HeapFaultKind::use_after_free, slot);
        at = slot->next_offset;
    }
    if (info.carved > slots_per_slab(small_class) || free_slots + info.live > info.carved) {
        return fault(HeapFaultKind::corrupt_page_table, address(first));
    }
    const std::size_t end = slots_per_slab(small_class) * class_size(small_class);
    for (std::size_t at = info.carved * class_size(small_class); at < end;
         at += class_size(small_class)) {
        if (use_[first + at / heap_page] != small_class) break;
        const auto* slot = reinterpret_cast<const FreeSlot*>(address(first) + at);
        if (slot->canary != canary_) return fault(HeapFaultKind::use_after_free, slot);
    }
    return true;
}

}  // namespace cairn
