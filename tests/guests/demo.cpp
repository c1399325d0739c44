// SPDX-License-Identifier: MIT
// The demo: a guest small enough to read. It says what it finds, counts timer ticks while nobody
// types, and echoes what is typed until 'q'.
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t tick = 10'000'000;  // 1 s at QEMU's 10 MHz
volatile unsigned ticks = 0;

void set_timer(std::uint64_t deadline) {
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);
}

void on_interrupt(std::uint64_t) {
    ticks = ticks + 1;
    set_timer(csr_read<Csr::time>() + tick);
}

void describe_machine() {
    const auto version = sbi_call(SbiExtension::base, SbiBase::get_spec_version).value;
    println("Hello from a guest of Cairn.");
    println("  SBI {}.{}, pc near {:#x}, sp near {:#x}", version >> 24, version & 0xff'ffff,
            reinterpret_cast<std::uint64_t>(&run), reinterpret_cast<std::uint64_t>(&version));
    for (const auto extension : {SbiExtension::time, SbiExtension::ipi, SbiExtension::rfence,
                                 SbiExtension::hsm, SbiExtension::srst, SbiExtension::dbcn}) {
        println("  {:<36} {}", to_string(extension), sbi_has(extension) ? "yes" : "no");
    }
}

void greet_each_tick(unsigned& seen) {
    if (ticks == seen) return;
    seen = ticks;
    if (seen <= 3) println("tick {}", seen);
}

}  // namespace

void run(std::string_view arguments) {
    describe_machine();
    if (!arguments.empty()) println("  arguments: '{}'", arguments);
    interrupt_handler = on_interrupt;
    set_timer(csr_read<Csr::time>() + tick);
    csr_write<Csr::sie>(Sip::STIP::mask);
    csr_set<Csr::sstatus>(Sstatus::SIE::mask);
    println("Type something; 'q' ends this.");  // the last of its start, for who waits for it
    for (unsigned seen = 0;;) {
        greet_each_tick(seen);
        if (!uart_has_input()) continue;
        const char typed = uart_get();
        if (typed == 'q') break;
        uart_put(typed);
        if (typed == '\r') uart_put('\n');
    }
    println("\nGoodbye.");
}

}  // namespace cairn::guest
