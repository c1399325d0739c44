// SPDX-License-Identifier: MIT
// Sums up its own code, round after round, for a debugger that has breakpoints in it: the sum stays
// what it was, or the guest fails. 's' says how many rounds there were, 'a' has an atomic
// instruction access the page that it lies in, 'v' a vector instruction, 'e' meets an ebreak of its
// own, 'q' ends it.
#include <atomic>

#include "tests/guests/guest_runtime.hpp"

extern "C" {
extern const std::uint64_t _start[];
extern const std::uint64_t __init_array_start[];

volatile std::uint64_t text_rounds = 0;

/// FNV-1a by words of 64 bits, over code and constants, which the compiler believes to stay.
[[gnu::noinline]] std::uint64_t text_sum() {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const volatile std::uint64_t* word = _start; word < __init_array_start; ++word)
        sum = (sum ^ *word) * 0x100000001b3;
    return sum;
}

/// Where breakpoints are.
[[gnu::noinline]] void text_round() {
    text_rounds = text_rounds + 1;
}

/// Of its own first word, which stays as it is.
[[gnu::noinline]] std::uint32_t text_atomic() {
    const auto at = reinterpret_cast<std::uintptr_t>(&text_atomic) & ~std::uintptr_t{3};
    return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(at)).fetch_or(0);
}

/// The same of its first word, which is returned.
[[gnu::noinline]] std::uint64_t text_vector() {
    std::uint64_t word;
    asm volatile(
        ".option push\n.option arch, +v\n"
        "vsetivli zero, 1, e64, m1, ta, ma\n vle64.v v0, (%1)\n vmv.x.s %0, v0\n.option pop"
        : "=r"(word)
        : "r"(reinterpret_cast<std::uintptr_t>(&text_vector) & ~std::uintptr_t{7})
        : "memory");
    return word;
}
}

namespace cairn::guest {
namespace {

void meet_own_ebreak() {
    const unsigned before = last_trap.count;
    asm volatile("ebreak" : : : "memory");
    const bool met = last_trap.count == before + 1 &&
                     last_trap.scause == static_cast<std::uint64_t>(Exception::breakpoint);
    println("ebreak: {}", met ? "met" : "not met");
}

/// False at the end.
bool answer(char typed) {
    if (typed == 's') println("{} rounds, the text is the same", text_rounds + 0);
    if (typed == 'a') println("atomic: {:#x}", text_atomic());
    if (typed == 'v') println("vector: {:#x}", text_vector());
    if (typed == 'e') meet_own_ebreak();
    return typed != 'q';
}

}  // namespace

void run(std::string_view) {
    csr_set<Csr::sstatus>(Sstatus::VS::of(ExtensionState::initial));
    const std::uint64_t first = text_sum();
    println("text: {:#x}. Type something.", first);
    for (;;) {
        text_round();
        if (const std::uint64_t sum = text_sum(); sum != first) {
            println("the text has changed: {:#x}", sum);
            power_off(true);
        }
        if (uart_has_input() && !answer(uart_get())) return;
    }
}

}  // namespace cairn::guest
