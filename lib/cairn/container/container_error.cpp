// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/container/container_error.hpp"

#include "cairn/panic.hpp"
#include "cairn/print.hpp"

namespace cairn {

using format_detail::ArgumentStore;

void panic_index(const char* container, std::size_t index, std::size_t size,
                 std::source_location where) {
    const ArgumentStore<const char*, std::size_t, std::size_t> values(container, index, size);
    vpanic("{}: index {} of {} elements", values.view(), where);
}

void panic_empty(const char* container, const char* what, std::source_location where) {
    const ArgumentStore<const char*, const char*> values(container, what);
    vpanic("{}: {} of no elements", values.view(), where);
}

void panic_length(const char* container, std::size_t wanted, std::size_t maximum) {
    panic_format("{}: {} elements wanted, at most {} possible", container, wanted, maximum);
}

void panic_position(const char* container, std::source_location where) {
    const ArgumentStore<const char*> values(container);
    vpanic("{}: a position outside of its elements", values.view(), where);
}

void panic_key(const char* container, std::source_location where) {
    const ArgumentStore<const char*> values(container);
    vpanic("{}: at() of a key that it does not have", values.view(), where);
}

}  // namespace cairn
