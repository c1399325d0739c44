// SPDX-License-Identifier: MIT
// Relocation: an element moves to raw storage and its old place becomes raw, in one step. Types for
// which this is a copy of the bytes move in bulk.
//
// A type opts in beside its definition:
//     template <> inline constexpr bool cairn::is_trivially_relocatable_v<Thing> = true;
// It must not hold a pointer into itself, and nobody may keep a list of where its objects are.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace cairn {

template <class T>
inline constexpr bool is_trivially_relocatable_v = std::is_trivially_copyable_v<T>;

template <class T, class Deleter>
inline constexpr bool is_trivially_relocatable_v<std::unique_ptr<T, Deleter>> =
    is_trivially_relocatable_v<Deleter> &&
    is_trivially_relocatable_v<typename std::unique_ptr<T, Deleter>::pointer>;

template <class A, class B>
inline constexpr bool is_trivially_relocatable_v<std::pair<A, B>> =
    is_trivially_relocatable_v<std::remove_const_t<A>> &&
    is_trivially_relocatable_v<std::remove_const_t<B>>;

/// An allocator that wants to see every construction or destruction of a T.
template <class Allocator, class T>
concept ObservesElements = requires(Allocator& allocator, T* at) {
    allocator.construct(at, std::move(*at));
} || requires(Allocator& allocator, T* at) { allocator.destroy(at); };

template <class T, class Allocator>
concept RelocatesInBulk = is_trivially_relocatable_v<T> && !ObservesElements<Allocator, T>;

/// What is made of another of its kind with an allocator alone, by an allocator that adds itself to
/// the arguments, as std::pmr's does.
template <class T, class Allocator>
concept MovesWithAllocator =
    requires(Allocator& allocator, T* at) { allocator.construct(at, std::move(*at)); } &&
    std::uses_allocator_v<T, Allocator> &&
    (std::is_constructible_v<T, std::allocator_arg_t, const Allocator&, T> ||
     std::is_constructible_v<T, T, const Allocator&>);

/// Whether an element can be moved elsewhere. An entry of a map can, by its key and its value.
template <class T, class Allocator>
inline constexpr bool is_relocatable_v =
    std::is_move_constructible_v<T> || MovesWithAllocator<T, Allocator>;
template <class Key, class Value, class Allocator>
inline constexpr bool is_relocatable_v<std::pair<const Key, Value>, Allocator> =
    is_relocatable_v<Key, Allocator> && is_relocatable_v<Value, Allocator>;

/// Ends the lifetime of `count` elements at `first`.
template <class T, class Allocator>
constexpr void destroy_elements(Allocator& allocator, T* first, std::size_t count) {
    if constexpr (!std::is_trivially_destructible_v<T> || ObservesElements<Allocator, T>) {
        for (std::size_t i = 0; i < count; ++i) {
            std::allocator_traits<Allocator>::destroy(allocator, first + i);
        }
    }
}

/// Makes an element in raw storage at `to` of the one at `from`, which stays, moved from.
template <class T, class Allocator>
constexpr void move_element(Allocator& allocator, T* from, T* to) {
    std::allocator_traits<Allocator>::construct(allocator, to, std::move(*from));
}

/// An entry of a map: its key is constant for everybody but the container, which moves it. (Not in
/// constant evaluation, which takes `const` at its word.)
template <class Key, class Value, class Allocator>
constexpr void move_element(Allocator& allocator, std::pair<const Key, Value>* from,
                            std::pair<const Key, Value>* to) {
    using Traits = std::allocator_traits<Allocator>;
    if constexpr (std::is_copy_constructible_v<Key>) {
        if consteval {
            Traits::construct(allocator, to, from->first, std::move(from->second));
            return;
        }
    }
    Traits::construct(allocator, to, std::move(const_cast<Key&>(from->first)),
                      std::move(from->second));
}

template <class T, class Allocator>
constexpr void relocate_element(Allocator& allocator, T* from, T* to) {
    move_element(allocator, from, to);
    std::allocator_traits<Allocator>::destroy(allocator, from);
}

/// Moves `count` elements to raw storage at `to`, first element first: `to` lies outside the
/// elements or before them.
template <class T, class Allocator>
constexpr void relocate_down(Allocator& allocator, T* from, std::size_t count, T* to) {
    if constexpr (RelocatesInBulk<T, Allocator>) {
        if !consteval {
            if (count == 0) return;  // memmove does not take null, even for nothing
            std::memmove(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
            return;
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        relocate_element(allocator, from + i, to + i);
    }
}

/// Moves `count` elements to raw storage at `to`, last element first: `to` lies behind `from`.
template <class T, class Allocator>
constexpr void relocate_up(Allocator& allocator, T* from, std::size_t count, T* to) {
    if constexpr (RelocatesInBulk<T, Allocator>) {
        if !consteval {
            relocate_down(allocator, from, count, to);
            return;
        }
    }
    for (std::size_t i = count; i > 0; --i) {
        relocate_element(allocator, from + (i - 1), to + (i - 1));
    }
}

}  // namespace cairn
