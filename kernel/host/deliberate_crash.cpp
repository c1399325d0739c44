// SPDX-License-Identifier: MIT
#include "kernel/host/deliberate_crash.hpp"

#include "lib/panic.hpp"

namespace cairn {
namespace {

/// Neither RAM nor a device on any machine: the top of the physical address space.
constexpr std::uint64_t nowhere = 0x00ff'ffff'ffff'f008;

[[gnu::noinline]] std::uint64_t load_from(std::uint64_t address) {
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

/// Writes `count` bytes into an array of 16.
[[gnu::noinline]] void overrun(std::size_t count) {
    volatile char letters[16];
    for (volatile std::size_t i = 0; i < count; i = i + 1)
        letters[i] = 'x';
}

}  // namespace

void crash_deliberately(Crash how) {
    switch (how) {
        case Crash::trap: load_from(nowhere); break;
        case Crash::panic: panic("crash=panic asked for this");
        case Crash::smash: overrun(40); break;
    }
    panic("a load from nowhere came back");
}

}  // namespace cairn
