// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#include "kernel/host/reports/deliberate_crash.hpp"

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/host/boot/image_layout.hpp"
#include "kernel/host/cpu/harts.hpp"
#include "kernel/host/drivers/console.hpp"

namespace cairn {
namespace {

// Shaped for: no figure, since what is done wrong here has to be done.

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

[[gnu::noinline]] void store_to(const void* address) {
    *reinterpret_cast<volatile std::uint32_t*>(reinterpret_cast<std::uintptr_t>(address)) = 0;
}

/// Calls itself as long as there is stack.
[[gnu::noinline]] std::uint64_t use_stack(std::uint64_t depth) {
    volatile std::uint64_t room[32];
    room[0] = depth;
    return depth == 0 ? 0 : use_stack(depth + 1) + room[0];
}

void use_stack_elsewhere(void*) {
    use_stack(1);
}

void overflow_elsewhere() {
    if (hart_count() < 2) panic("crash=overflow-elsewhere: there is no other hart");
    run_on_hart(1, use_stack_elsewhere, nullptr);
    wait_for_hart(1);
}

/// Calls a function that does nothing, on the heap.
void execute_data() {
    constexpr std::uint32_t ret = 0x0000'8067;
    auto* const code = new volatile std::uint32_t(ret);
    fence_i();
    reinterpret_cast<void (*)()>(reinterpret_cast<std::uintptr_t>(code))();
    delete code;
}

/// As a guest prints until it is told to stop, but that nobody serves the UART's interrupts.
[[noreturn]] void panic_amid_output() {
    constexpr int most_lines = 100'000;
    constexpr std::uint64_t patience = 1'000'000;
    console_queue_output(patience);
    bool has_room = true;
    for (int line = 1; has_room && line <= most_lines; ++line) {
        FixedBuffer<64> text;
        print(text, "line {}, which a panic does not lose\r\n", line);
        has_room = console_write_guest(text.view()) == text.view().size();
    }
    println("the wire is full: {}", !has_room);
    panic("crash=amid-output asked for this");
}

}  // namespace

void crash_deliberately(Crash how) {
    switch (how) {
        case Crash::trap: load_from(nowhere); break;
        case Crash::panic: panic("crash=panic asked for this");
        case Crash::smash: overrun(40); break;
        case Crash::overflow: use_stack(1); break;
        case Crash::overflow_elsewhere: overflow_elsewhere(); break;
        case Crash::null: load_from(0); break;
        case Crash::write_code: store_to(__text_start); break;
        case Crash::write_constant: store_to(to_string(how).data()); break;
        case Crash::execute_data: execute_data(); break;
        case Crash::amid_output: panic_amid_output();
    }
    panic("what was to crash came back");
}

}  // namespace cairn
