// SPDX-License-Identifier: MIT
// Compiled: for the target alone. Hosts have a runtime of their own.
// The symbols behind freestanding C++, by the documents that name them:
//   __cxa_*, __dso_handle    Itanium C++ ABI, sections 3.2.6 (pure virtual) and 3.3.6 (destructors)
//   .init_array              System V ABI (gABI), chapter 5, "Initialization and Termination"
//   __stack_chk_*            -fstack-protector, as clang and GCC use it on riscv64-unknown-elf
//   abort, std::nothrow      C, C++
#include "cairn/runtime.hpp"

#include <new>

#include "cairn/heap/thread_exit.hpp"
#include "cairn/panic.hpp"

const std::nothrow_t std::nothrow{};

extern "C" {

using Constructor = void (*)();
extern const Constructor __init_array_start[];
extern const Constructor __init_array_end[];

// Not to be changed while a function with a canary runs. The zero byte, which comes first in
// memory, stops string functions that run over a buffer from reading or forging the rest.
std::uintptr_t __stack_chk_guard = static_cast<std::uintptr_t>(0x5bd1'e995'9e37'7900);

[[noreturn]] void __stack_chk_fail() {
    cairn::panic("stack protector: a function wrote beyond the end of its frame's arrays");
}

[[noreturn]] void __cxa_pure_virtual() {
    cairn::panic("a pure virtual function was called (during construction or destruction?)");
}

[[noreturn]] void __cxa_deleted_virtual() {
    cairn::panic("a deleted virtual function was called");
}

// The program ends with the machine, so nobody would call what is registered here.
int __cxa_atexit(void (* /*destructor*/)(void*), void* /*object*/, void* /*dso*/) {
    return 0;
}
[[gnu::visibility("hidden")]] void* __dso_handle = nullptr;

[[noreturn]] void abort() {
    cairn::panic("abort was called");
}

}  // extern "C"

namespace cairn {

void run_static_constructors() {
    for (const Constructor* each = __init_array_start; each != __init_array_end; ++each)
        (*each)();
}

// A hart ends with the machine.
void close_at_thread_exit(HeapCache& /*cache*/) {}

// Shaped for: no figure, since a caller that is protected would find another value at its end.
[[gnu::noinline]] __attribute__((no_stack_protector)) void seed_stack_protector(
    std::uint64_t entropy) {
    const std::uint64_t mixed = entropy ^ __stack_chk_guard;
    __stack_chk_guard = static_cast<std::uintptr_t>(mixed & ~std::uint64_t{0xff});
}

}  // namespace cairn
