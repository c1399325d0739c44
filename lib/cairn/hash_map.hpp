// SPDX-License-Identifier: MIT
// A map by hashing: constant time on average for whatever can be hashed and compared, in one block
// of memory. Entries are `std::pair<const Key, Value>` in no order; insertion moves them, so it
// invalidates iterators and references; removal invalidates those of other entries too (but erase
// returns where to go on, and a walk that removes on its way sees each entry once).
//
// A walk looks at every slot, so in a map that was made much larger than what it holds the way from
// one entry to the next is long. So is it for erase(iterator), which finds the next entry; erase of
// a key does not. begin() does not start anew each time: `while (!m.empty()) m.erase(m.begin())`
// is one walk.
//
// Hashes are seeded, so that nobody outside can choose keys that collide: seeded_hash. A Hash of
// yours is a function to up to 64 bits, which may be the key itself; one that scatters its bits as
// seeded_hash does says so by a type `is_avalanching`, and is not mixed again. A Hash and Equal
// that are both transparent compare keys with whatever they take: strings with string_views. How
// entries lie: lib/cairn/container/map/hash_table.hpp. Forms, also the try_ ones:
// lib/cairn/container/map/map_forms.hpp.
//
// (std::unordered_map has a block for every entry, throws or aborts where there is none, and its
// hashes are not seeded.)
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cairn/allocator.hpp"
#include "cairn/base/language.hpp"
#include "cairn/base/mix64.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/from_range.hpp"
#include "cairn/container/map/hash_table.hpp"
#include "cairn/container/map/map_forms.hpp"
#include "cairn/container/map/seeded_hash.hpp"
#include "cairn/container/temporary.hpp"
#include "cairn/panic.hpp"

namespace cairn {

template <class Entry, bool constant>
class HashIterator {
    using Slots = HashSlots<Entry>;

  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<constant, const Entry&, Entry&>;
    using pointer = std::conditional_t<constant, const Entry*, Entry*>;

    constexpr HashIterator() = default;
    constexpr HashIterator(const Slots& slots, typename Slots::Index at) : slots_(slots), at_(at) {}
    template <bool other_constant>
        requires(constant && !other_constant)
    constexpr HashIterator(const HashIterator<Entry, other_constant>& other)  // NOLINT: implicit
        : slots_(other.slots_), at_(other.at_) {}

    constexpr reference operator*() const { return slots_.slots[at_].entry; }
    constexpr pointer operator->() const { return std::addressof(slots_.slots[at_].entry); }
    constexpr HashIterator& operator++() {
        at_ = slots_.after(at_);
        return *this;
    }
    constexpr HashIterator operator++(int) {
        HashIterator before = *this;
        ++*this;
        return before;
    }
    constexpr bool operator==(const HashIterator& other) const {
        return slots_.slots == other.slots_.slots && at_ == other.at_;
    }

  private:
    template <class Key, class Value, class Hash, class Equal, class Allocator>
    friend class hash_map;
    friend HashIterator<Entry, true>;

    Slots slots_{};
    typename Slots::Index at_ = 0;
};

template <class Key, class Value, class Hash = seeded_hash<std::remove_const_t<Key>>,
          class Equal = std::equal_to<>, class Allocator = allocator<std::pair<const Key, Value>>>
class hash_map : public MapForms<hash_map<Key, Value, Hash, Equal, Allocator>, Key, Value,
                                 Allocator, Transparent<Hash> && Transparent<Equal>> {
    using Forms =
        MapForms<hash_map, Key, Value, Allocator, Transparent<Hash> && Transparent<Equal>>;
    friend Forms;
    using Forms::can_report;
    using Traits = std::allocator_traits<Allocator>;
    using Table = HashTable<std::pair<const Key, Value>, Allocator>;
    template <class T>
    using Result = std::expected<T, ContainerError>;
    static constexpr const char* name = "hash_map";
    using Here = std::source_location;
    static constexpr bool moves_allocator =
        Traits::propagate_on_container_move_assignment::value || Traits::is_always_equal::value;

  public:
    using typename Forms::size_type, typename Forms::value_type;
    using hasher = Hash;
    using key_equal = Equal;
    using iterator = HashIterator<value_type, false>;
    using const_iterator = HashIterator<value_type, true>;

    constexpr hash_map() : hash_map(Allocator()) {}
    constexpr explicit hash_map(const Allocator& allocator) : table_(allocator) {}
    constexpr explicit hash_map(const Hash& hash, const Equal& equal = Equal(),
                                const Allocator& allocator = Allocator())
        : table_(allocator), hash_(hash), equal_(equal) {}
    constexpr hash_map(std::initializer_list<value_type> entries, const Hash& hash,
                       const Equal& equal = Equal(), const Allocator& allocator = Allocator())
        : hash_map(hash, equal, allocator) {
        reserve(entries.size());
        this->insert_range(entries);
    }
    constexpr hash_map(std::initializer_list<value_type> entries,
                       const Allocator& allocator = Allocator())
        : hash_map(entries, Hash(), Equal(), allocator) {}
    template <RangeOfEntries<value_type> Range>
    constexpr hash_map(from_range_t, Range&& range, const Hash& hash, const Equal& equal = Equal(),
                       const Allocator& allocator = Allocator())
        : hash_map(hash, equal, allocator) {
        this->insert_range(std::forward<Range>(range));
    }
    template <RangeOfEntries<value_type> Range>
    constexpr hash_map(from_range_t, Range&& range, const Allocator& allocator = Allocator())
        : hash_map(from_range, std::forward<Range>(range), Hash(), Equal(), allocator) {}
    template <std::input_iterator Iterator>
        requires std::is_constructible_v<value_type, std::iter_reference_t<Iterator>>
    constexpr hash_map(Iterator first, Iterator last, const Hash& hash,
                       const Equal& equal = Equal(), const Allocator& allocator = Allocator())
        : hash_map(hash, equal, allocator) {
        this->insert(std::move(first), std::move(last));
    }
    template <std::input_iterator Iterator>
        requires std::is_constructible_v<value_type, std::iter_reference_t<Iterator>>
    constexpr hash_map(Iterator first, Iterator last, const Allocator& allocator = Allocator())
        : hash_map(std::move(first), std::move(last), Hash(), Equal(), allocator) {}
    constexpr hash_map(const hash_map& other)
        : hash_map(other.hash_, other.equal_,
                   Traits::select_on_container_copy_construction(other.table_.allocator())) {
        copy_entries(other);
    }
    constexpr hash_map(hash_map&& other) noexcept
        : hash_map(other.hash_, other.equal_, other.table_.allocator()) {
        table_.steal(other.table_);
        std::swap(salt_, other.salt_);
    }
    constexpr hash_map(const hash_map& other, const std::type_identity_t<Allocator>& allocator)
        : hash_map(other.hash_, other.equal_, allocator) {
        copy_entries(other);
    }
    /// Moves entry by entry where the allocators differ.
    constexpr hash_map(hash_map&& other, const std::type_identity_t<Allocator>& allocator)
        : hash_map(other.hash_, other.equal_, allocator) {
        table_.take(other.table_);
        salt_ = std::exchange(other.salt_, fresh_salt());
    }
    // What is assigned may be part of an entry: those end last.
    constexpr hash_map& operator=(const hash_map& other) {
        if (this == &other) return *this;
        Table ended(table_.allocator());
        ended.steal(table_);
        if constexpr (Traits::propagate_on_container_copy_assignment::value) {
            table_.allocator() = other.table_.allocator();
        }
        take_functions(other);
        salt_ = fresh_salt();
        copy_entries(other);
        return *this;
    }
    constexpr hash_map& operator=(hash_map&& other) noexcept(moves_allocator) {
        if (this == &other) return *this;
        Table ended(table_.allocator());
        ended.steal(table_);
        if constexpr (Traits::propagate_on_container_move_assignment::value) {
            table_.allocator() = other.table_.allocator();
        }
        take_functions(other);
        table_.take(other.table_);
        salt_ = std::exchange(other.salt_, fresh_salt());
        return *this;
    }
    constexpr hash_map& operator=(std::initializer_list<value_type> entries) {
        clear();
        this->insert_range(entries);
        return *this;
    }
    constexpr ~hash_map() = default;

    template <class Other = Key>
    [[nodiscard]] constexpr size_type count(const Other& key) const {
        return this->contains(key) ? 1 : 0;
    }
    /// The entries of `key`, one at most: from the first to behind the last.
    template <class Other = Key>
    [[nodiscard]] constexpr std::pair<iterator, iterator> equal_range(const Other& key) {
        return range_from(this->find(key), end());
    }
    template <class Other = Key>
    [[nodiscard]] constexpr std::pair<const_iterator, const_iterator> equal_range(
        const Other& key) const {
        return range_from(this->find(key), end());
    }

    // --- iterators

    [[nodiscard]] constexpr iterator begin() { return iterator_at(table_.first()); }
    [[nodiscard]] constexpr iterator end() { return iterator_at(table_.slots().count()); }
    [[nodiscard]] constexpr const_iterator begin() const { return iterator_at(table_.first()); }
    [[nodiscard]] constexpr const_iterator end() const {
        return iterator_at(table_.slots().count());
    }
    [[nodiscard]] constexpr const_iterator cbegin() const { return begin(); }
    [[nodiscard]] constexpr const_iterator cend() const { return end(); }

    [[nodiscard]] constexpr Allocator get_allocator() const { return table_.allocator(); }
    [[nodiscard]] constexpr Hash hash_function() const { return hash_; }
    [[nodiscard]] constexpr Equal key_eq() const { return equal_; }

    // --- capacity

    [[nodiscard]] constexpr bool empty() const noexcept { return table_.size() == 0; }
    [[nodiscard]] constexpr size_type size() const noexcept { return table_.size(); }
    /// As many entries fit without further memory.
    [[nodiscard]] constexpr size_type capacity() const noexcept { return table_.room(); }
    [[nodiscard]] constexpr size_type max_size() const noexcept { return table_.max_size(); }
    constexpr void reserve(size_type count) {
        [[maybe_unused]] const auto done = make_room(OnFailure::panic, count);
    }
    /// Strong.
    [[nodiscard]] constexpr Result<void> try_reserve(size_type count)
        requires can_report
    {
        return make_room(OnFailure::report, count);
    }
    /// Slots, of which at most max_load_factor() hold an entry.
    [[nodiscard]] constexpr size_type bucket_count() const noexcept {
        return table_.slots().count();
    }
    [[nodiscard]] constexpr float load_factor() const noexcept {
        return empty() ? 0 : static_cast<float>(size()) / static_cast<float>(bucket_count());
    }
    [[nodiscard]] static constexpr float max_load_factor() noexcept { return 0.75F; }
    /// As few slots as `count`, or as the entries need.
    constexpr void rehash(size_type count) {
        const size_type room = count - count / 4;
        [[maybe_unused]] const auto done = fit(OnFailure::panic, room < size() ? size() : room);
    }
    /// Where the smaller block cannot be had, nothing changes.
    constexpr void shrink_to_fit() {
        [[maybe_unused]] const auto done =
            fit(can_report ? OnFailure::report : OnFailure::panic, size());
    }

    // --- removal

    /// Removes the entry of `key`, if there is one; how many that were.
    template <class Other = Key>
        requires(!std::is_convertible_v<const Other&, const_iterator>)
    constexpr size_type erase(const Other& key) {
        const auto at = locate(Forms::as_key(key));
        if (at == table_.slots().count()) return 0;
        table_.remove(at);
        return 1;
    }
    /// What follows the entry, for which all slots up to there are looked at.
    constexpr iterator erase(const_iterator position, Here where = Here::current()) {
        check(position, where);
        return iterator_at(table_.erase(position.at_));
    }
    constexpr iterator erase(const_iterator first, const_iterator last,
                             Here where = Here::current()) {
        // Counted, as entries move where others were removed.
        size_type count = 0;
        for (auto at = first; at != last; ++at, ++count)
            check(at, where);
        iterator next = iterator_at(first.at_);
        for (; count != 0; --count)
            next = erase(next, where);
        return next;
    }
    /// Keeps the memory.
    constexpr void clear() noexcept { table_.clear(); }
    /// Removes the entries that satisfy `predicate`; returns how many.
    template <class Predicate>
    friend constexpr size_type erase_if(hash_map& from, Predicate predicate) {
        const size_type before = from.size();
        for (auto at = from.begin(); at != from.end();)
            at = predicate(std::as_const(*at)) ? from.erase(at) : std::next(at);
        return before - from.size();
    }

    constexpr void swap(hash_map& other) noexcept {
        table_.swap(other.table_);
        std::swap(salt_, other.salt_);
        std::ranges::swap(hash_, other.hash_);
        std::ranges::swap(equal_, other.equal_);
    }
    friend constexpr void swap(hash_map& a, hash_map& b) noexcept { a.swap(b); }

    /// The same keys with equal values, in whatever order.
    friend constexpr bool operator==(const hash_map& a, const hash_map& b) {
        if (a.size() != b.size()) return false;
        for (const value_type& entry : a) {
            const auto found = b.find(entry.first);
            if (found == b.end() || !(found->second == entry.second)) return false;
        }
        return true;
    }

  private:
    using Index = typename Table::Index;

    static constexpr std::uint64_t fresh_salt() noexcept {
        if consteval {
            return first_hash_salt;
        } else {
            return next_hash_salt();
        }
    }
    template <class Other>
    constexpr std::uint32_t hash_of(const Other& key) const {
        const std::uint64_t hash = hash_(key);
        return slot_hash(Avalanching<Hash> ? hash : mix64(hash), salt_);
    }
    constexpr void copy_entries(const hash_map& other) {
        table_.copy(other.table_, [this](const value_type& entry) { return hash_of(entry.first); });
    }
    static constexpr auto range_from(auto first, auto end) {
        return std::pair(first, first == end ? first : std::next(first));
    }
    constexpr void check(const_iterator position, Here where) const {
        const bool is_entry = position.slots_.slots == table_.slots().slots &&
                              position.at_ < table_.slots().count() &&
                              !table_.slots().is_free(position.at_);
        if (!is_entry) [[unlikely]]
            panic_position(name, where);
    }
    template <class Other>
    constexpr typename Table::Found search(std::uint32_t hash, const Other& key) const {
        return table_.search(hash,
                             [&](const value_type& entry) { return equal_(entry.first, key); });
    }
    template <class Other>
    constexpr Index locate(const Other& key) const {
        if (empty()) return table_.slots().count();
        const auto found = search(hash_of(key), key);
        return found.is_there ? found.at : table_.slots().count();
    }
    constexpr iterator iterator_at(Index at) { return iterator(table_.slots(), at); }
    constexpr const_iterator iterator_at(Index at) const {
        return const_iterator(table_.slots(), at);
    }

    constexpr Result<void> make_room(OnFailure failure, size_type count) {
        if (count <= table_.room()) return {};
        const auto slots = table_.new_slots(failure, count);
        if (!slots) return std::unexpected(slots.error());
        table_.move_to(*slots);
        return {};
    }
    /// As many slots as `count` entries need, if that is not what there is.
    constexpr Result<void> fit(OnFailure failure, size_type count) {
        if (count == 0) {
            table_.release();
            return {};
        }
        if (count <= table_.room() && table_.slots_for(count) == bucket_count()) return {};
        const auto slots = table_.new_slots(failure, count);
        if (!slots) return std::unexpected(slots.error());
        table_.move_to(*slots);
        return {};
    }

    template <class Other, class... Arguments>
    constexpr Result<std::pair<iterator, bool>> put(OnFailure failure, Other&& key,
                                                    Arguments&&... arguments) {
        const std::uint32_t hash = hash_of(key);
        const auto found = table_.room() == 0 ? typename Table::Found{} : search(hash, key);
        if (found.is_there) return std::pair(iterator_at(found.at), false);
        HashSlots<value_type> more;
        if (size() == table_.room()) {
            const auto slots = table_.new_slots(failure, size() + 1);
            if (!slots) return std::unexpected(slots.error());
            more = *slots;
        }
        // Before anything moves: what it is made of may be in the map.
        Temporary<value_type, Allocator> entry(
            table_.allocator(), std::piecewise_construct,
            std::forward_as_tuple(std::forward<Other>(key)),
            std::forward_as_tuple(std::forward<Arguments>(arguments)...));
        if (more.slots != nullptr) table_.move_to(more);
        auto* const slot =
            more.slots != nullptr ? table_.open_gap(hash) : table_.open_gap_at(found.at, hash);
        move_element(table_.allocator(), std::addressof(entry.value), std::addressof(slot->entry));
        table_.count_one();
        return std::pair(iterator_at(static_cast<Index>(slot - table_.slots().slots)), true);
    }

    constexpr void take_functions(const hash_map& other) {
        hash_ = other.hash_;
        equal_ = other.equal_;
    }

    Table table_;
    std::uint64_t salt_ = fresh_salt();
    [[no_unique_address]] Hash hash_{};
    [[no_unique_address]] Equal equal_{};
};

template <class Key, class Value, class Hash, class Equal, class Allocator>
    requires(!are_entry<Key, Value> || !is_allocator_of<Allocator, std::pair<const Key, Value>>)
class hash_map<Key, Value, Hash, Equal, Allocator> {
    static_assert(are_entry<Key, Value>,
                  "hash_map: its keys and values are objects, not references or void");
    static_assert(!are_entry<Key, Value> || is_allocator_of<Allocator, std::pair<const Key, Value>>,
                  "hash_map: its allocator is one for std::pair<const Key, Value>");
};

template <class Key, class Value, class Hash, class Equal, class Allocator>
inline constexpr bool is_trivially_relocatable_v<hash_map<Key, Value, Hash, Equal, Allocator>> =
    is_trivially_relocatable_v<Allocator> && is_trivially_relocatable_v<Hash> &&
    is_trivially_relocatable_v<Equal>;

}  // namespace cairn
