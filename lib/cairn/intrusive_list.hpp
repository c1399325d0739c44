// SPDX-License-Identifier: MIT
// A doubly linked list of objects that somebody else owns: std::list's interface, but the links are
// in the objects, so that nothing is allocated and nothing can fail for want of memory. An object
// that is at hand leaves its list in constant time, without a search.
//
//     struct Vcpu : list_hook { ... };              intrusive_list<Vcpu>
//     struct Timer { list_hook due; ... };          intrusive_list<Timer, member_hook<&Timer::due>>
//
// An object is in as many lists as it has hooks. A list that dies lets go of its objects. Links are
// checked at every change: see lib/cairn/list_hook.hpp. size() counts, in linear time,
// because unlink() does not know the list. front() and back() of nothing panic. No lock.
#pragma once

#include <bit>
#include <cstddef>
#include <iterator>
#include <source_location>
#include <type_traits>
#include <utility>

#include "cairn/container/container_error.hpp"
#include "cairn/list_hook.hpp"

namespace cairn {

/// The hook is a base class of the element.
struct base_hook {
    template <class T>
    static constexpr list_hook& hook_of(T& element) {
        return element;
    }
    template <class T>
    static constexpr T& element_of(list_hook& hook) {
        return static_cast<T&>(hook);
    }
};

/// The hook is that member of the element.
template <auto member>
struct member_hook;

template <class Class, list_hook Class::* member>
struct member_hook<member> {
    template <class T>
    static constexpr list_hook& hook_of(T& element) {
        return element.*member;
    }
    template <class T>
    static T& element_of(list_hook& hook) {
        // A pointer to member is the member's offset (Itanium C++ ABI, section 2.3.1).
        const auto offset = std::bit_cast<std::ptrdiff_t>(member);
        return static_cast<T&>(
            *reinterpret_cast<Class*>(reinterpret_cast<std::byte*>(&hook) - offset));
    }
};

template <class T, class Hook = base_hook>
class intrusive_list {
    using Here = std::source_location;

    template <class Value>
    class Iterator {
      public:
        using iterator_category = std::bidirectional_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using reference = Value&;
        using pointer = Value*;

        constexpr Iterator() = default;
        template <class Other>
            requires(std::is_same_v<const Other, Value>)
        constexpr Iterator(const Iterator<Other>& other)  // NOLINT: implicit, to the constant one
            : at_(other.at_) {}

        constexpr reference operator*() const { return Hook::template element_of<T>(*at_); }
        constexpr pointer operator->() const { return &**this; }
        constexpr Iterator& operator++() {
            at_ = at_->next_;
            return *this;
        }
        constexpr Iterator operator++(int) { return std::exchange(*this, std::next(*this)); }
        constexpr Iterator& operator--() {
            at_ = at_->previous_;
            return *this;
        }
        constexpr Iterator operator--(int) { return std::exchange(*this, std::prev(*this)); }
        constexpr bool operator==(const Iterator&) const = default;

      private:
        friend intrusive_list;
        friend Iterator<const T>;
        constexpr explicit Iterator(list_hook& at) : at_(&at) {}

        list_hook* at_ = nullptr;
    };

  public:
    using value_type = T;
    using reference = T&;
    using const_reference = const T&;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using iterator = Iterator<T>;
    using const_iterator = Iterator<const T>;
    using reverse_iterator = std::reverse_iterator<iterator>;
    using const_reverse_iterator = std::reverse_iterator<const_iterator>;

    constexpr intrusive_list() noexcept { head_.close(); }
    constexpr intrusive_list(intrusive_list&& other) noexcept : intrusive_list() { splice(other); }
    constexpr intrusive_list& operator=(intrusive_list&& other) noexcept {
        if (this == &other) return *this;
        clear();
        splice(other);
        return *this;
    }
    constexpr ~intrusive_list() {
        clear();
        head_.unlink();
    }

    // --- access

    [[nodiscard]] constexpr bool empty() const noexcept { return head_.next_ == &head_; }
    /// Counts them.
    [[nodiscard]] constexpr size_type size() const {
        return static_cast<size_type>(std::distance(begin(), end()));
    }
    constexpr T& front(Here where = Here::current()) {
        check_not_empty("front()", where);
        return *begin();
    }
    constexpr const T& front(Here where = Here::current()) const {
        check_not_empty("front()", where);
        return *begin();
    }
    constexpr T& back(Here where = Here::current()) {
        check_not_empty("back()", where);
        return *std::prev(end());
    }
    constexpr const T& back(Here where = Here::current()) const {
        check_not_empty("back()", where);
        return *std::prev(end());
    }

    [[nodiscard]] constexpr iterator begin() { return iterator(*head_.next_); }
    [[nodiscard]] constexpr const_iterator begin() const { return const_iterator(*head_.next_); }
    [[nodiscard]] constexpr const_iterator cbegin() const { return begin(); }
    [[nodiscard]] constexpr iterator end() { return iterator(head_); }
    [[nodiscard]] constexpr const_iterator end() const {
        return const_iterator(const_cast<list_hook&>(head_));
    }
    [[nodiscard]] constexpr const_iterator cend() const { return end(); }
    [[nodiscard]] constexpr reverse_iterator rbegin() { return reverse_iterator(end()); }
    [[nodiscard]] constexpr const_reverse_iterator rbegin() const {
        return const_reverse_iterator(end());
    }
    [[nodiscard]] constexpr reverse_iterator rend() { return reverse_iterator(begin()); }
    [[nodiscard]] constexpr const_reverse_iterator rend() const {
        return const_reverse_iterator(begin());
    }

    /// Where `element`, which is in a list, stands in it.
    [[nodiscard]] static constexpr iterator iterator_to(T& element) {
        return iterator(Hook::hook_of(element));
    }
    [[nodiscard]] static constexpr bool is_linked(const T& element) {
        return Hook::hook_of(const_cast<T&>(element)).is_linked();
    }

    // --- insertion and removal

    constexpr void push_front(T& element, Here where = Here::current()) {
        insert(begin(), element, where);
    }
    constexpr void push_back(T& element, Here where = Here::current()) {
        insert(end(), element, where);
    }
    constexpr iterator insert(const_iterator position, T& element, Here where = Here::current()) {
        list_hook& hook = Hook::hook_of(element);
        hook.link_before(*position.at_, where);
        return iterator(hook);
    }

    constexpr void pop_front(Here where = Here::current()) {
        check_not_empty("pop_front()", where);
        head_.next_->unlink(where);
    }
    constexpr void pop_back(Here where = Here::current()) {
        check_not_empty("pop_back()", where);
        head_.previous_->unlink(where);
    }
    /// The first element, which leaves the list; null when there is none.
    [[nodiscard]] constexpr T* try_pop_front() {
        if (empty()) return nullptr;
        T& first = *begin();
        head_.next_->unlink();
        return &first;
    }

    /// Takes `element` out; what follows it.
    constexpr iterator erase(T& element, Here where = Here::current()) {
        return unlink(Hook::hook_of(element), where);
    }
    constexpr iterator erase(const_iterator position, Here where = Here::current()) {
        if (position == end()) [[unlikely]]
            panic_position("intrusive_list", where);
        return unlink(*position.at_, where);
    }
    constexpr iterator erase(const_iterator first, const_iterator last,
                             Here where = Here::current()) {
        while (first != last)
            first = erase(first, where);
        return iterator(*last.at_);
    }
    template <class Predicate>
    constexpr size_type remove_if(Predicate predicate) {
        size_type count = 0;
        for (iterator at = begin(); at != end();) {
            const bool goes = predicate(std::as_const(*at));
            at = goes ? erase(at) : std::next(at);
            count += goes ? 1 : 0;
        }
        return count;
    }
    constexpr void clear() { erase(begin(), end()); }

    // --- from list to list, in constant time

    /// All of `other` to the end.
    constexpr void splice(intrusive_list& other, Here where = Here::current()) {
        splice(end(), other, where);
    }
    /// All of `other`, which is another list, in front of `position`.
    constexpr void splice(const_iterator position, intrusive_list& other,
                          Here where = Here::current()) {
        splice(position, other, other.begin(), other.end(), where);
    }
    /// The element at `element`.
    constexpr void splice(const_iterator position, intrusive_list& /*other*/,
                          const_iterator element, Here where = Here::current()) {
        if (position != element)
            list_hook::transfer(*element.at_, *element.at_, *position.at_, where);
    }
    /// [first, last), in which `position` is not.
    constexpr void splice(const_iterator position, intrusive_list& /*other*/, const_iterator first,
                          const_iterator last, Here where = Here::current()) {
        if (first != last && position != last)
            list_hook::transfer(*first.at_, *last.at_->previous_, *position.at_, where);
    }
    constexpr void swap(intrusive_list& other) noexcept {
        intrusive_list kept;
        kept.splice(other);
        other.splice(*this);
        splice(kept);
    }
    friend constexpr void swap(intrusive_list& a, intrusive_list& b) noexcept { a.swap(b); }

  private:
    static constexpr iterator unlink(list_hook& hook, Here where) {
        list_hook* const next = hook.next_;
        hook.unlink(where);  // panics where there is no next
        return iterator(*next);
    }
    constexpr void check_not_empty(const char* what, Here where) const {
        if (empty()) [[unlikely]]
            panic_empty("intrusive_list", what, where);
    }

    list_hook head_;
};

template <class T, class Hook>
    requires(!is_element<T>)
class intrusive_list<T, Hook> {
    static_assert(is_element<T>,
                  "intrusive_list: its elements are objects, neither const nor volatile");
};

}  // namespace cairn
