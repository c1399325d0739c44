// SPDX-License-Identifier: MIT
// What std::unique_ptr lacks here. The type itself is the standard library's, which is
// freestanding; but std::make_unique panics when memory is out, and knows the global heap only.
//
//   try_make_unique<T>(arguments...)               on the program's heap
//   allocate_unique<T>(allocator, arguments...)    on an allocator, which the pointer keeps a copy
//   of try_allocate_unique<T>(allocator, arguments...) allocate_unique<T[]>(allocator, count) a
//   unique_block: `count` values of T, and how many try_allocate_unique<T[]>(allocator, count)
//
// A try_ form returns an empty pointer where there is no memory, and has then not moved from its
// arguments; the others leave that case to the allocator, which panics.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "cairn/container/fallible.hpp"

namespace cairn {

template <class T, class... Arguments>
    requires(std::is_object_v<T> && !std::is_array_v<T> && std::is_constructible_v<T, Arguments...>)
[[nodiscard]] std::unique_ptr<T> try_make_unique(Arguments&&... arguments) {
    return std::unique_ptr<T>(new (std::nothrow) T(std::forward<Arguments>(arguments)...));
}

/// `count` value-initialised elements.
template <class T>
    requires std::is_unbounded_array_v<T>
[[nodiscard]] std::unique_ptr<T> try_make_unique(std::size_t count) {
    return std::unique_ptr<T>(new (std::nothrow) std::remove_extent_t<T>[count]());
}

/// Destroys what `allocate_unique` made, and gives its memory back to where it is from.
template <class T, class Allocator>
class allocator_delete {
    using Traits = std::allocator_traits<Allocator>;

  public:
    using pointer = T*;

    constexpr explicit allocator_delete(const Allocator& allocator) noexcept
        : allocator_(allocator) {}

    constexpr void operator()(T* object) noexcept {
        Traits::destroy(allocator_, object);
        Traits::deallocate(allocator_, object, 1);
    }
    [[nodiscard]] constexpr const Allocator& get_allocator() const noexcept { return allocator_; }

  private:
    [[no_unique_address]] Allocator allocator_;
};

/// The same for `count()` elements in a row.
template <class T, class Allocator>
class allocator_delete<T[], Allocator> {
    using Traits = std::allocator_traits<Allocator>;

  public:
    using pointer = T*;

    constexpr allocator_delete(const Allocator& allocator, std::size_t count) noexcept
        : count_(count), allocator_(allocator) {}

    constexpr void operator()(T* elements) noexcept {
        for (std::size_t i = count_; i > 0; --i) {
            Traits::destroy(allocator_, elements + (i - 1));
        }
        Traits::deallocate(allocator_, elements, count_);
    }
    [[nodiscard]] constexpr const Allocator& get_allocator() const noexcept { return allocator_; }
    [[nodiscard]] constexpr std::size_t count() const noexcept { return count_; }

  private:
    std::size_t count_;
    [[no_unique_address]] Allocator allocator_;
};

template <class T, class Allocator>
using allocated_ptr =
    std::unique_ptr<T, allocator_delete<T, rebound<std::remove_extent_t<T>, Allocator>>>;

/// An array that knows its length; see `elements`.
template <class T, class Allocator>
using unique_block = allocated_ptr<T[], Allocator>;

/// The elements of a unique_block; none when it is empty.
template <class T, class Allocator>
[[nodiscard]] constexpr std::span<T> elements(
    const std::unique_ptr<T[], allocator_delete<T[], Allocator>>& block) {
    return {block.get(), block ? block.get_deleter().count() : 0};
}

namespace unique_detail {

template <class T, class Allocator, class... Arguments>
constexpr allocated_ptr<T, Allocator> make(OnFailure failure, const Allocator& from,
                                           Arguments&&... arguments) {
    rebound<T, Allocator> allocator(from);
    T* const place = obtain(failure, allocator, 1);
    if (place != nullptr) {
        std::allocator_traits<rebound<T, Allocator>>::construct(
            allocator, place, std::forward<Arguments>(arguments)...);
    }
    return allocated_ptr<T, Allocator>(place,
                                       allocator_delete<T, rebound<T, Allocator>>(allocator));
}

template <class T, class Allocator>
constexpr unique_block<T, Allocator> make_block(OnFailure failure, const Allocator& from,
                                                std::size_t count) {
    rebound<T, Allocator> allocator(from);
    T* const place = obtain(failure, allocator, count);
    for (std::size_t i = 0; place != nullptr && i < count; ++i) {
        std::allocator_traits<rebound<T, Allocator>>::construct(allocator, place + i);
    }
    return unique_block<T, Allocator>(
        place, allocator_delete<T[], rebound<T, Allocator>>(allocator, count));
}

}  // namespace unique_detail

template <class T, class Allocator, class... Arguments>
    requires(is_element<T> && !std::is_array_v<T> &&
             ConstructibleBy<T, rebound<T, Allocator>, Arguments...>)
[[nodiscard]] constexpr allocated_ptr<T, Allocator> allocate_unique(const Allocator& allocator,
                                                                    Arguments&&... arguments) {
    return unique_detail::make<T>(OnFailure::panic, allocator,
                                  std::forward<Arguments>(arguments)...);
}

template <class T, class Allocator, class... Arguments>
    requires(is_element<T> && !std::is_array_v<T> &&
             ConstructibleBy<T, rebound<T, Allocator>, Arguments...> &&
             FallibleAllocator<rebound<T, Allocator>>)
[[nodiscard]] constexpr allocated_ptr<T, Allocator> try_allocate_unique(const Allocator& allocator,
                                                                        Arguments&&... arguments) {
    return unique_detail::make<T>(OnFailure::report, allocator,
                                  std::forward<Arguments>(arguments)...);
}

template <class T, class Allocator>
    requires(std::is_unbounded_array_v<T> && is_element<std::remove_extent_t<T>>)
[[nodiscard]] constexpr allocated_ptr<T, Allocator> allocate_unique(const Allocator& allocator,
                                                                    std::size_t count) {
    return unique_detail::make_block<std::remove_extent_t<T>>(OnFailure::panic, allocator, count);
}

template <class T, class Allocator>
    requires(std::is_unbounded_array_v<T> && is_element<std::remove_extent_t<T>> &&
             FallibleAllocator<rebound<std::remove_extent_t<T>, Allocator>>)
[[nodiscard]] constexpr allocated_ptr<T, Allocator> try_allocate_unique(const Allocator& allocator,
                                                                        std::size_t count) {
    return unique_detail::make_block<std::remove_extent_t<T>>(OnFailure::report, allocator, count);
}

}  // namespace cairn
