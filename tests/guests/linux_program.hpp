// SPDX-License-Identifier: MIT
// What a program for Linux needs that has no C library: system calls.
#pragma once

#include <cstdint>
#include <type_traits>

namespace linux_program {

// Linux: include/uapi/asm-generic/unistd.h.
enum class Syscall : long {
    io_setup = 0,
    io_submit = 2,
    io_getevents = 4,
    ioctl = 29,
    openat = 56,
    close = 57,
    read = 63,
    write = 64,
    pread64 = 67,
    pwrite64 = 68,
    exit = 93,
    nanosleep = 101,
    clock_gettime = 113,
    sched_setaffinity = 122,
    socket = 198,
    bind = 200,
    listen = 201,
    accept = 202,
    connect = 203,
    sendto = 206,
    recvfrom = 207,
    shutdown = 210,
    perf_event_open = 241,
    riscv_flush_icache = 259,
};

struct TimeSpec {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};

template <class Argument>
long word(Argument argument) {
    if constexpr (std::is_pointer_v<Argument>) {
        return reinterpret_cast<long>(argument);
    } else {
        return static_cast<long>(argument);
    }
}

/// A negative result is an error's number.
template <class... Arguments>
long call(Syscall number, Arguments... arguments) {
    const long values[6] = {word(arguments)...};
    register long a0 asm("a0") = values[0];
    register long a1 asm("a1") = values[1];
    register long a2 asm("a2") = values[2];
    register long a3 asm("a3") = values[3];
    register long a4 asm("a4") = values[4];
    register long a5 asm("a5") = values[5];
    register long a7 asm("a7") = static_cast<long>(number);
    asm volatile("ecall"
                 : "+r"(a0)
                 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                 : "memory");
    return a0;
}

}  // namespace linux_program
