// SPDX-License-Identifier: MIT
// What containers ask of an allocator, also beyond the standard's requirements, and what they do
// when it has nothing left.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"

namespace cairn {

/// Whether an allocator's blocks are those of a container of T.
template <class Allocator, class T>
inline constexpr bool is_allocator_of = requires {
    requires is_element<T>;
    requires std::is_same_v<typename Allocator::value_type, T>;
    requires std::is_same_v<typename std::allocator_traits<Allocator>::pointer, T*>;
};

/// An allocator that can say no: null instead of a panic.
template <class Allocator>
concept FallibleAllocator = requires(Allocator& allocator, std::size_t count) {
    { allocator.try_allocate(count) } -> std::same_as<typename Allocator::value_type*>;
};

/// An allocator that can sometimes change the size of a block where it is.
template <class Allocator>
concept ResizingAllocator =
    requires(Allocator& allocator, typename Allocator::value_type* block, std::size_t count) {
        { allocator.try_resize(block, count, count) } -> std::same_as<bool>;
    };

/// What a container's elements can be made of: the allocator decides, if it constructs at all, as
/// std::pmr's does, which adds itself to the arguments.
template <class T, class Allocator, class... Arguments>
concept ConstructibleBy = std::is_constructible_v<T, Arguments...> ||
                          requires(Allocator& allocator, T* at, Arguments&&... arguments) {
                              allocator.construct(at, static_cast<Arguments&&>(arguments)...);
                          };

/// `Allocator` for objects of another type.
template <class T, class Allocator>
using rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;

/// What happens when memory runs out: the allocator panics, or the caller is told.
enum class OnFailure : std::uint8_t { panic, report };

/// Storage for `count` objects; null where there is none and `failure` says to report that.
template <class Allocator>
constexpr auto* obtain(OnFailure failure, Allocator& allocator, std::size_t count) {
    if constexpr (FallibleAllocator<Allocator>) {
        if (failure == OnFailure::report) return allocator.try_allocate(count);
    }
    return std::allocator_traits<Allocator>::allocate(allocator, count);
}

}  // namespace cairn
