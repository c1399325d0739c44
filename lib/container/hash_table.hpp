// SPDX-License-Identifier: MIT
// The slots of `hash_map`: open addressing by Robin Hood's rule, of entries that know their hashes.
// No public interface: see lib/container/hash_map.hpp.
//
// An entry's home is the slot that the top bits of its hash name. It lies there or behind, without
// a free slot in between, and entries are in the order of their homes; so a search ends at the
// first entry that is nearer to its home than the one that is looked for would be:
//
//     slot        0     1     2     3     4     5     6     7
//     entry       .     a     b     c     d     .     .     e
//     home              1     1     2     4                 7         a search for home 2 starts at
//     distance          0     1     1     0                 0         b (1), finds c (1), ends at d
//
// Insertion opens a gap by moving the rest of the run up; removal closes it by moving the rest
// down, as far as entries are away from home. There are no tombstones. A run may go on from the
// last slot to the first: entries there, whose home is behind them, are called wrapped.
//
// At most three quarters of the slots are taken, so every search ends. Capacities are powers of
// two.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <type_traits>
#include <utility>

#include "lib/container/container_error.hpp"
#include "lib/container/fallible.hpp"
#include "lib/container/relocate.hpp"
#include "lib/panic.hpp"

namespace cairn {

template <class Entry>
struct HashSlot {
    static constexpr std::uint32_t free = UINT32_MAX;  ///< the hash of no entry

    constexpr HashSlot() noexcept {}
    HashSlot(const HashSlot&) = delete;
    HashSlot& operator=(const HashSlot&) = delete;
    constexpr ~HashSlot() {}

    std::uint32_t hash = free;
    union {
        Entry entry;
    };
};

/// Which slots there are, and where entries stand among them; owns nothing.
template <class Entry>
struct HashSlots {
    using Slot = HashSlot<Entry>;
    using Index = std::uint32_t;

    Slot* slots = nullptr;
    std::uint8_t shift = 32;  ///< 32 - log2(how many slots), where there are any

    [[nodiscard]] constexpr Index count() const {
        return slots == nullptr ? 0 : Index{1} << (32 - shift);
    }
    [[nodiscard]] constexpr Index mask() const { return count() - 1; }
    [[nodiscard]] constexpr bool is_free(Index at) const { return slots[at].hash == Slot::free; }
    [[nodiscard]] constexpr Index home(std::uint32_t hash) const { return hash >> shift; }
    [[nodiscard]] constexpr Index distance(Index at) const {
        return (at - home(slots[at].hash)) & mask();
    }
    [[nodiscard]] constexpr bool is_wrapped(Index at) const { return home(slots[at].hash) > at; }

    /// Entries are walked from the first that is not wrapped to the last slot, then those that are
    /// wrapped. Removal never moves one that is to come to where the walk has been, nor one that
    /// has been to what is to come: each is seen once, whatever is removed on the way.
    [[nodiscard]] constexpr Index first() const {
        Index at = 0;
        while (at < count() && !is_free(at) && is_wrapped(at))
            ++at;
        return from(at);
    }
    [[nodiscard]] constexpr Index after(Index at) const {
        if (is_wrapped(at)) return wrapped_or_end(at + 1);
        return from(at + 1);
    }
    /// The first entry at `at` or behind, up to the last slot; then the first wrapped one.
    [[nodiscard]] constexpr Index from(Index at) const {
        for (; at < count(); ++at) {
            if (!is_free(at)) return at;
        }
        return wrapped_or_end(0);
    }
    [[nodiscard]] constexpr Index wrapped_or_end(Index at) const {
        return at < count() && !is_free(at) && is_wrapped(at) ? at : count();
    }
};

template <class Entry, class Allocator>
class HashTable {
    using Traits = std::allocator_traits<Allocator>;
    using Slot = HashSlot<Entry>;
    using Slots = HashSlots<Entry>;
    using SlotAllocator = rebound<Slot, Allocator>;
    using SlotTraits = std::allocator_traits<SlotAllocator>;
    static constexpr Slots nowhere{};

  public:
    using Index = typename Slots::Index;
    template <class T>
    using Result = std::expected<T, ContainerError>;
    struct Found {
        Index at = 0;
        bool is_there = false;  ///< else `at` is where it would have to be
    };

    constexpr explicit HashTable(const Allocator& allocator) noexcept : allocator_(allocator) {}
    HashTable(const HashTable&) = delete;
    HashTable& operator=(const HashTable&) = delete;
    constexpr ~HashTable() { release(); }

    [[nodiscard]] constexpr const Slots& slots() const { return slots_; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr std::size_t room() const { return room_in(slots_.count()); }
    [[nodiscard]] constexpr Allocator& allocator() { return allocator_; }
    [[nodiscard]] constexpr const Allocator& allocator() const { return allocator_; }
    [[nodiscard]] constexpr std::size_t max_size() const {
        const std::size_t limit = SlotTraits::max_size(SlotAllocator(allocator_));
        return room_in(std::bit_floor(limit < most_slots ? limit : most_slots));
    }

    /// Where the entry of that hash is for which `is_same` is true. There are slots.
    template <class IsSame>
    [[nodiscard]] constexpr Found search(std::uint32_t hash, IsSame is_same) const {
        const Slots slots = slots_;
        Index at = slots.home(hash);
        for (Index passed = 0;; ++passed, at = (at + 1) & slots.mask()) {
            if (slots.is_free(at) || slots.distance(at) < passed) return {at, false};
            if (slots.slots[at].hash == hash && is_same(slots.slots[at].entry)) return {at, true};
        }
    }

    /// Slots of which `count` entries take no more than three quarters; nobody's yet.
    constexpr Result<Slots> new_slots(OnFailure failure, std::size_t count) {
        if (count > max_size()) {
            if (failure == OnFailure::panic) panic_length("hash_map", count, max_size());
            return std::unexpected(ContainerError::too_long);
        }
        std::size_t wanted = fewest_slots;
        while (room_in(wanted) < count)
            wanted *= 2;
        SlotAllocator allocator(allocator_);
        Slot* const block = obtain(failure, allocator, wanted);
        if (block == nullptr) return std::unexpected(ContainerError::out_of_memory);
        for (std::size_t i = 0; i < wanted; ++i)
            std::construct_at(block + i);
        return Slots{block, static_cast<std::uint8_t>(32 - std::countr_zero(wanted))};
    }

    /// Moves all entries to `next`, which becomes the slots.
    constexpr void move_to(Slots next) {
        const Slots old = std::exchange(slots_, next);
        for (Index at = 0; at < old.count(); ++at) {
            if (old.is_free(at)) continue;
            Slot& from = old.slots[at];
            relocate_down(allocator_, &from.entry, 1, &open_gap(from.hash)->entry);
        }
        give_back(old);
    }

    /// A slot for an entry of `hash`, which is to be constructed there at once. There is room.
    constexpr Slot* open_gap(std::uint32_t hash) {
        return open_gap_at(search(hash, [](const Entry&) { return false; }).at, hash);
    }
    /// As above, where it is known where that is.
    constexpr Slot* open_gap_at(Index gap, std::uint32_t hash) {
        Index last = gap;
        while (!slots_.is_free(last))
            last = (last + 1) & slots_.mask();
        while (last != gap) {
            const Index before = (last - 1) & slots_.mask();
            relocate_down(allocator_, &slots_.slots[before].entry, 1, &slots_.slots[last].entry);
            slots_.slots[last].hash = slots_.slots[before].hash;
            last = before;
        }
        slots_.slots[gap].hash = hash;
        return &slots_.slots[gap];
    }
    constexpr void count_one() { ++size_; }

    /// Removes the entry at `at`. Where the walk goes on.
    constexpr Index erase(Index at) {
        const bool was_wrapped = slots_.is_wrapped(at);
        destroy_elements(allocator_, &slots_.slots[at].entry, 1);
        Index gap = at;
        for (;;) {
            const Index next = (gap + 1) & slots_.mask();
            if (slots_.is_free(next) || slots_.distance(next) == 0) break;
            relocate_down(allocator_, &slots_.slots[next].entry, 1, &slots_.slots[gap].entry);
            slots_.slots[gap].hash = slots_.slots[next].hash;
            gap = next;
        }
        slots_.slots[gap].hash = Slot::free;
        --size_;
        return was_wrapped ? slots_.wrapped_or_end(at) : slots_.from(at);
    }

    constexpr void clear() {
        destroy_all();
        for (Index at = 0; at < slots_.count(); ++at)
            slots_.slots[at].hash = Slot::free;
    }
    constexpr void release() {
        destroy_all();
        give_back(std::exchange(slots_, nowhere));
    }

    /// Copies of `other`'s entries, which has the same hash function; this is empty.
    constexpr void copy(const HashTable& other) {
        if (other.size_ == 0) return;
        slots_ = *new_slots(OnFailure::panic, other.size_);
        for (Index at = 0; at < other.slots_.count(); ++at) {
            if (other.slots_.is_free(at)) continue;
            const Slot& from = other.slots_.slots[at];
            Traits::construct(allocator_, &open_gap(from.hash)->entry, from.entry);
            ++size_;
        }
    }
    /// The entries of `other`, which is left empty; this has none.
    constexpr void take(HashTable& other) {
        if (allocator_ == other.allocator_) {
            steal(other);
        } else if (other.size_ != 0) {
            slots_ = *new_slots(OnFailure::panic, other.size_);
            for (Index at = 0; at < other.slots_.count(); ++at) {
                if (other.slots_.is_free(at)) continue;
                Slot& from = other.slots_.slots[at];
                relocate_down(allocator_, &from.entry, 1, &open_gap(from.hash)->entry);
                from.hash = Slot::free;
            }
            size_ = std::exchange(other.size_, 0);
        }
    }
    /// The slots of `other`, whose allocator is equal; this has none.
    constexpr void steal(HashTable& other) noexcept {
        slots_ = std::exchange(other.slots_, nowhere);
        size_ = std::exchange(other.size_, 0);
    }
    constexpr void swap(HashTable& other) noexcept {
        if constexpr (Traits::propagate_on_container_swap::value) {
            std::ranges::swap(allocator_, other.allocator_);
        } else if constexpr (!Traits::is_always_equal::value) {
            require(allocator_ == other.allocator_, "hash_map: swap() between unequal allocators");
        }
        std::swap(slots_, other.slots_);
        std::swap(size_, other.size_);
    }

  private:
    static constexpr std::size_t fewest_slots = 8;
    static constexpr std::size_t most_slots = std::size_t{1} << 31;

    static constexpr std::size_t room_in(std::size_t slots) { return slots - slots / 4; }

    constexpr void destroy_all() {
        size_ = 0;
        if constexpr (std::is_trivially_destructible_v<Entry> &&
                      !ObservesElements<Allocator, Entry>) {
            return;
        }
        for (Index at = 0; at < slots_.count(); ++at) {
            if (!slots_.is_free(at)) destroy_elements(allocator_, &slots_.slots[at].entry, 1);
        }
    }
    constexpr void give_back(const Slots& slots) {
        if (slots.slots == nullptr) return;
        SlotAllocator allocator(allocator_);
        SlotTraits::deallocate(allocator, slots.slots, slots.count());
    }

    Slots slots_;
    Index size_ = 0;
    [[no_unique_address]] Allocator allocator_;
};

}  // namespace cairn
