// SPDX-License-Identifier: MIT
#include "lib/container/vector_error.hpp"

#include "lib/panic.hpp"
#include "lib/print.hpp"

namespace cairn {

using format_detail::ArgumentStore;

void panic_vector_index(std::size_t index, std::size_t size, std::source_location where) {
    const ArgumentStore<std::size_t, std::size_t> values(index, size);
    vpanic("vector: index {} of {} elements", values.view(), where);
}

void panic_vector_empty(std::string_view what, std::source_location where) {
    const ArgumentStore<std::string_view> values(what);
    vpanic("vector: {} of no elements", values.view(), where);
}

void panic_vector_length(std::size_t wanted, std::size_t maximum) {
    panic_format("vector: {} elements wanted, at most {} possible", wanted, maximum);
}

void panic_vector_position() {
    panic("vector: a position outside of its elements");
}

}  // namespace cairn
