// SPDX-License-Identifier: MIT
// Compiled: for the target alone. Hosts have a runtime of their own.
// What the headers of the C++ library call where they would throw or found a broken precondition:
// libc++'s one function, or those of libstdc++ (bits/functexcept.h) that its containers' headers,
// string_view and optional reach. A format that only wraps a message is reported by the message;
// the others carry no values.
#include <cstdarg>
#include <cstddef>
#include <string_view>

#include "cairn/panic.hpp"

#if __has_include(<__verbose_abort>)
#include <__verbose_abort>

void std::__libcpp_verbose_abort(const char* format, ...) {
    const char* sentence = format;
    if (std::string_view(format) == "%s") {
        std::va_list values;
        va_start(values, format);
        sentence = va_arg(values, const char*);
        va_end(values);
    }
    cairn::panic(sentence);
}

#else

namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char* format, ...) {
    cairn::panic(format);
}
[[noreturn]] void __throw_out_of_range(const char* sentence) {
    cairn::panic(sentence);
}
[[noreturn]] void __throw_length_error(const char* sentence) {
    cairn::panic(sentence);
}
[[noreturn]] void __throw_logic_error(const char* sentence) {
    cairn::panic(sentence);
}
[[noreturn]] void __throw_invalid_argument(const char* sentence) {
    cairn::panic(sentence);
}
[[noreturn]] void __throw_bad_alloc() {
    cairn::panic("out of memory");
}
[[noreturn]] void __throw_bad_array_new_length() {
    cairn::panic("an array of more bytes than there can be");
}
[[noreturn]] void __throw_bad_function_call() {
    cairn::panic("a call of an empty function");
}

}  // namespace std

#endif
