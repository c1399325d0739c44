// SPDX-License-Identifier: MIT
// How an operation of `vector` fails: by an error of its try_ form, or by a panic with the values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace cairn {

enum class VectorError : std::uint8_t {
    out_of_memory,  // the allocator has no such block
    too_long,       // more elements than max_size()
};

[[nodiscard]] constexpr std::string_view to_string(VectorError error) {
    switch (error) {
        case VectorError::out_of_memory: return "out of memory for the elements of a vector";
        case VectorError::too_long: return "a vector cannot have that many elements";
    }
    return "unknown vector error";
}

/// "vector: index 7 of 3 elements"
[[noreturn]] void panic_vector_index(std::size_t index, std::size_t size,
                                     std::source_location where);

/// "vector: back() of no elements", for `what` = "back()"
[[noreturn]] void panic_vector_empty(std::string_view what, std::source_location where);

/// "vector: 7 elements wanted, at most 3 possible"
[[noreturn]] void panic_vector_length(std::size_t wanted, std::size_t maximum);

/// "vector: a position outside of its elements"
[[noreturn]] void panic_vector_position();

}  // namespace cairn
