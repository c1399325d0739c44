// SPDX-License-Identifier: MIT
// The slots of `hash_map`: open addressing by Robin Hood's rule, of entries that know their hashes.
// No public interface: see lib/cairn/hash_map.hpp.
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
//
// The top bits that count are those of hash * salt. Every table has a salt of its own, so that the
// order of one table's entries says nothing about where they belong in another: inserted in that
// order into a table that grows, entries that are neighbours in both would form one long run. For
// hashes that are numbers in a row one multiplication is not enough, for some salts: those of
// functions that do not say better of themselves are mixed first.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/fallible.hpp"
#include "cairn/container/vector/relocate.hpp"
#include "cairn/panic.hpp"

namespace cairn {

/// Salts are odd, so that no bit of a hash is lost; 1 beyond a multiple of 8, so that the top three
/// bits of a hash that has no others are kept as they are.
inline constexpr std::uint64_t first_hash_salt = 0x9e37'79b9'7f4a'7c11;
static_assert(first_hash_salt % 8 == 1);

/// A hash function of whose results every bit depends on every bit of the key, and which says so,
/// by the name that Boost's and other libraries' tables look for: void, or a type whose value is
/// true.
template <class Hash>
concept Avalanching = requires { requires std::is_void_v<typename Hash::is_avalanching>; } ||
                      requires { requires bool(Hash::is_avalanching::value); };

/// What a slot keeps of a hash: the upper half of the product, and never what marks a free slot.
[[nodiscard]] constexpr std::uint32_t slot_hash(std::uint64_t hash, std::uint64_t salt) {
    const auto upper = static_cast<std::uint32_t>(hash * salt >> 32);
    return upper - (upper == UINT32_MAX ? 1 : 0);
}
static_assert(slot_hash(UINT64_MAX, 1) == UINT32_MAX - 1 && slot_hash(7ULL << 32, 1) == 7);

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

    /// Where a walk begins, if no entry lies before `at` but wrapped ones. Entries are walked from
    /// the first that is not wrapped to the last slot, then those that are wrapped. Removal never
    /// moves one that is to come to where the walk has been, nor one that has been to what is to
    /// come: each is seen once, whatever is removed on the way.
    [[nodiscard]] constexpr Index first(Index at) const {
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
    /// Where a walk begins. What is found out on the way there is kept, so that a loop that takes
    /// the first entry again and again walks over the slots once.
    [[nodiscard]] constexpr Index first() const {
        if (size_ == 0) return slots_.count();
        const Index start = first_if_any();
        const Index at = slots_.first(start);
        if !consteval {
            // Readers may do this side by side: each stores what is right.
            __atomic_store_n(&first_, at < start ? slots_.count() : at, __ATOMIC_RELAXED);
        }
        return at;
    }
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

    /// The fewest slots of which `count` entries take no more than three quarters.
    [[nodiscard]] static constexpr std::size_t slots_for(std::size_t count) {
        std::size_t wanted = fewest_slots;
        while (room_in(wanted) < count)
            wanted *= 2;
        return wanted;
    }
    /// As many, for `count` entries; nobody's yet.
    constexpr Result<Slots> new_slots(OnFailure failure, std::size_t count) {
        if (count > max_size()) {
            if (failure == OnFailure::panic) panic_length("hash_map", count, max_size());
            return std::unexpected(ContainerError::too_long);
        }
        const std::size_t wanted = slots_for(count);
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
        first_ = next.count();
        for (Index at = 0; at < old.count(); ++at) {
            if (old.is_free(at)) continue;
            Slot& from = old.slots[at];
            relocate_down(allocator_, std::addressof(from.entry), 1,
                          std::addressof(open_gap(from.hash)->entry));
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
            relocate_down(allocator_, std::addressof(slots_.slots[before].entry), 1,
                          std::addressof(slots_.slots[last].entry));
            slots_.slots[last].hash = slots_.slots[before].hash;
            last = before;
        }
        slots_.slots[gap].hash = hash;
        if (size_ == 0) first_ = gap;
        lower_first(gap);
        return &slots_.slots[gap];
    }
    constexpr void count_one() { ++size_; }

    /// Removes the entry at `at`. Where the walk goes on, which may be far away.
    constexpr Index erase(Index at) {
        const bool was_wrapped = slots_.is_wrapped(at);
        remove(at);
        if (size_ == 0) return slots_.count();
        return was_wrapped ? slots_.wrapped_or_end(at) : slots_.from(at);
    }
    constexpr void remove(Index at) {
        destroy_elements(allocator_, std::addressof(slots_.slots[at].entry), 1);
        Index gap = at;
        for (;;) {
            const Index next = (gap + 1) & slots_.mask();
            if (slots_.is_free(next) || slots_.distance(next) == 0) break;
            relocate_down(allocator_, std::addressof(slots_.slots[next].entry), 1,
                          std::addressof(slots_.slots[gap].entry));
            slots_.slots[gap].hash = slots_.slots[next].hash;
            // One that was wrapped may be home again.
            if (!slots_.is_wrapped(gap)) lower_first(gap);
            gap = next;
        }
        slots_.slots[gap].hash = Slot::free;
        --size_;
    }

    constexpr void clear() {
        if (size_ == 0) return;
        destroy_all();
        for (Index at = 0; at < slots_.count(); ++at)
            slots_.slots[at].hash = Slot::free;
    }
    constexpr void release() {
        destroy_all();
        give_back(std::exchange(slots_, nowhere));
    }

    /// Copies of `other`'s entries, whose hashes here `hash_of` tells; this is empty.
    template <class HashOf>
    constexpr void copy(const HashTable& other, HashOf hash_of) {
        if (other.size_ == 0) return;
        slots_ = *new_slots(OnFailure::panic, other.size_);
        for (Index at = 0; at < other.slots_.count(); ++at) {
            if (other.slots_.is_free(at)) continue;
            const Slot& from = other.slots_.slots[at];
            Traits::construct(allocator_, std::addressof(open_gap(hash_of(from.entry))->entry),
                              from.entry);
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
                relocate_down(allocator_, std::addressof(from.entry), 1,
                              std::addressof(open_gap(from.hash)->entry));
                from.hash = Slot::free;
                ++size_;
            }
            other.size_ = 0;
        }
    }
    /// The slots of `other`, whose allocator is equal; this has none.
    constexpr void steal(HashTable& other) noexcept {
        slots_ = std::exchange(other.slots_, nowhere);
        size_ = std::exchange(other.size_, 0);
        if !consteval {
            first_ = std::exchange(other.first_, 0);
        }
    }
    constexpr void swap(HashTable& other) noexcept {
        if constexpr (Traits::propagate_on_container_swap::value) {
            std::ranges::swap(allocator_, other.allocator_);
        } else if constexpr (!Traits::is_always_equal::value) {
            require(allocator_ == other.allocator_, "hash_map: swap() between unequal allocators");
        }
        std::swap(slots_, other.slots_);
        std::swap(size_, other.size_);
        if !consteval {
            std::swap(first_, other.first_);
        }
    }

  private:
    static constexpr std::size_t fewest_slots = 8;
    static constexpr std::size_t most_slots = std::size_t{1} << 31;

    static constexpr std::size_t room_in(std::size_t slots) { return slots - slots / 4; }

    [[nodiscard]] constexpr Index first_if_any() const {
        if consteval {
            return 0;  // GCC 12 reads nothing mutable then
        } else {
            return __atomic_load_n(&first_, __ATOMIC_RELAXED);
        }
    }
    constexpr void lower_first(Index at) {
        if !consteval {
            if (at < first_) first_ = at;
        }
    }
    constexpr void destroy_all() {
        size_ = 0;
        if constexpr (std::is_trivially_destructible_v<Entry> &&
                      !ObservesElements<Allocator, Entry>) {
            return;
        }
        for (Index at = 0; at < slots_.count(); ++at) {
            if (!slots_.is_free(at))
                destroy_elements(allocator_, std::addressof(slots_.slots[at].entry), 1);
        }
    }
    constexpr void give_back(const Slots& slots) {
        if (slots.slots == nullptr) return;
        SlotAllocator allocator(allocator_);
        SlotTraits::deallocate(allocator, slots.slots, slots.count());
    }

    Slots slots_;
    Index size_ = 0;
    mutable Index first_ = 0;  ///< before it lies no entry but wrapped ones
    [[no_unique_address]] Allocator allocator_;
};

}  // namespace cairn
