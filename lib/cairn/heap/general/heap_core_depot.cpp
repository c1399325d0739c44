// SPDX-License-Identifier: MIT
// Slots that threads hand over, where there is a depot for them (docs/adr/0022).
#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/heap/general/heap_core.hpp"
#include "cairn/heap/store/slot_depot.hpp"

namespace cairn {

static_assert(SlotDepot::batch == HeapCache::batch);

/// Puts a batch into the depot, if all of it is of one other cache's slabs.
bool HeapCore::hand_over(std::byte**& top, std::uint32_t giver) CAIRN_NO_THREAD_SAFETY_ANALYSIS {
    if (is_short()) return false;
    std::byte* const* const slots = top - SlotDepot::batch;
    const auto use_of = [this](const std::byte* slot) {
        return __atomic_load_n(&uses()[page_of(slot)], __ATOMIC_RELAXED);
    };
    // A page of slots is of a slab, whose owner is known.
    const std::uint8_t small_class = use_of(slots[0]);
    if (small_class - 1U >= small_classes) return false;
    const std::uint32_t owner = slabs_.owner_of(slots[0]);
    if (owner == giver || !slabs_.has_members(owner)) return false;
    for (std::size_t i = 1; i < SlotDepot::batch; ++i) {
        if (use_of(slots[i]) != small_class || slabs_.owner_of(slots[i]) != owner) return false;
    }
    if (!depot_->put(small_class, owner, slots)) return false;
    show(top, top - SlotDepot::batch);
    if (!slabs_.has_members(owner)) empty_depot(owner);  // it has left since it was asked
    return true;
}

/// A batch that others handed over: how many of it are as they were left.
std::size_t HeapCore::take_handed(std::size_t small_class, std::uint32_t owner, std::byte** slots) {
    if (!depot_->take(small_class, owner, slots)) return 0;
    // They come from other processors' caches, all at once.
    for (std::size_t i = 0; i < SlotDepot::batch; ++i)
        __builtin_prefetch(slots[i], 1);
    if constexpr (!heap_checks) return SlotDepot::batch;
    std::size_t count = 0;
    for (std::size_t i = 0; i < SlotDepot::batch; ++i) {
        std::byte* const slot = slots[i];
        if (reinterpret_cast<const FreeSlot*>(slot)->canary == origin()) [[likely]] {
            slots[count++] = slot;
        } else {
            report_(HeapFaultKind::use_after_free, slot, class_size(small_class));
        }
    }
    return count;
}

/// Gives back to the slabs what is there for an owner: whether there was anything.
bool HeapCore::empty_depot(std::uint32_t owner) {
    std::byte* slots[SlotDepot::batch];
    bool any = false;
    for (; depot_->take_any(owner, slots); any = true) {
        for (std::byte** top = slots + SlotDepot::batch; top != slots;)
            give_slots(top, static_cast<std::size_t>(top - slots));
    }
    return any;
}

bool HeapCore::empty_depot() {
    bool any = false;
    for (std::uint32_t owner = 0; owner < SlabStore::owners; ++owner)
        any = empty_depot(owner) || any;
    return any;
}

}  // namespace cairn
