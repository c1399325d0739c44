// SPDX-License-Identifier: MIT
// How an operation of a container fails: by an error of its try_ form, or by a panic whose sentence
// starts with the container's name and has the values.
//
// A container of what it cannot hold fails when it is compiled. It is a specialization of which
// there is nothing but that sentence, in place of the errors that its members would give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>
#include <type_traits>

#include "cairn/base/language.hpp"

namespace cairn {

/// What a container can hold.
template <class T>
inline constexpr bool is_element =
    std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>;

enum class ContainerError : std::uint8_t {
    out_of_memory,  // the allocator has no such block
    too_long,       // more elements than max_size()
};

[[nodiscard]] constexpr std::string_view to_string(ContainerError error) {
    switch (error) {
        case ContainerError::out_of_memory: return "out of memory for the elements of a container";
        case ContainerError::too_long: return "a container cannot have that many elements";
    }
    return "unknown container error";
}

/// "vector: index 7 of 3 elements"
[[noreturn]] void panic_index(const char* container, std::size_t index, std::size_t size,
                              std::source_location where);

/// "vector: back() of no elements", for `what` = "back()"
[[noreturn]] void panic_empty(const char* container, const char* what, std::source_location where);

/// "vector: 7 elements wanted, at most 3 possible"
[[noreturn]] void panic_length(const char* container, std::size_t wanted, std::size_t maximum);

/// "vector: a position outside of its elements"
[[noreturn]] void panic_position(const char* container, std::source_location where);

/// "hash_map: at() of a key that it does not have"
[[noreturn]] void panic_key(const char* container, std::source_location where);

}  // namespace cairn
