// SPDX-License-Identifier: MIT
// Measures what it costs to leave this guest and come back, one kind of exit at a time, and prints
// `figure NAME N.N`: instructions per round. It runs on the bare machine just the same. The figures
// are instructions only under QEMU's `-icount shift=0,sleep=off`, where an instruction takes 1 ns
// and a tick of `time` is 100 of them; `calibration` tells: ten nops and the two instructions of
// the loop around them must come out as 12.0. Every figure but first-touch and wfi includes such a
// loop, and what the guest itself runs beside it (exits.S). The arguments may give the number of
// rounds. tools/measure_exits.py makes a table of it.
#include <array>
#include <charconv>

#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/vm/guest_map.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/longest_exits.hpp"

namespace cairn::guest {
namespace {

extern "C" {
// tests/guests/exits.S
using Loop = void(std::uint64_t rounds);
Loop loop_empty, loop_nops, loop_base, loop_probe, loop_hart_status, loop_unknown, loop_set_timer;
Loop loop_remote_fence, loop_fence_code, loop_fence_size_0, loop_fence_page, loop_fence_16_pages;
Loop loop_fence_asid, loop_ipi, loop_timer_interrupt, loop_dbcn_write, loop_illegal;
Loop loop_plic_read, loop_plic_write, loop_uart_read, loop_uart_write, loop_compressed_read;
Loop loop_uart_output, loop_collision;
Loop loop_claim_nothing, loop_complete_nothing, loop_claim_complete;
Loop loop_page_start_read, loop_page_start_write;
void loop_touch(std::uint64_t pages, std::byte* first);
std::uint64_t sleep_and_spin(std::uint64_t deadline, std::uint64_t end, std::uint64_t delay);
void handle_ipi();
void handle_timer();
void handle_illegal();
void ping(std::uint64_t rounds, std::uint64_t other_hart);
void pong();
std::uint64_t fence_others(std::uint64_t harts, SbiRfence function, std::uint64_t size);
void pace();
void handle_signal();
void guest_trap_entry();  // start.S
}

constexpr std::uint64_t instructions_per_tick = 100;
constexpr std::uint64_t ticks_per_second = 10'000'000;
constexpr std::uint64_t never = ~std::uint64_t{0};
constexpr std::uint64_t default_rounds = 10'000;
constexpr std::uint64_t console_rounds = 50;  // these can be seen
volatile std::uint64_t pacer_rounds = 0;
constexpr auto started = static_cast<std::uint64_t>(SbiHartState::started);
constexpr std::uint64_t character_rounds = 1'000;

std::uint64_t now() {
    return csr_read<Csr::time>();
}

void set_timer(std::uint64_t deadline) {
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);
}

/// Prints `instructions` per round, in tenths, rounded.
void print_figure(std::string_view name, std::uint64_t instructions, std::uint64_t rounds) {
    const std::uint64_t tenths = (instructions * 10 + rounds / 2) / rounds;
    println("figure {} {}.{}", name, tenths / 10, tenths % 10);
}

struct Figure {
    std::string_view name;
    Loop* loop;
    void (*handler)() = guest_trap_entry;
    std::uint64_t interrupts = 0;  ///< of sie
    bool of_pair = false;          ///< is asked for on machines of two harts, too
};
constexpr std::array figures{
    Figure{"calibration", loop_nops},
    Figure{"sbi-base", loop_base},
    Figure{"set-timer", loop_set_timer},
    Figure{"probe", loop_probe},
    Figure{"hart-status", loop_hart_status},
    Figure{"unknown-extension", loop_unknown},
    Figure{"remote-fence", loop_remote_fence},
    Figure{"fence-code", loop_fence_code},
    Figure{"fence-size-0", loop_fence_size_0},
    Figure{"fence-page", loop_fence_page},
    Figure{"fence-16-pages", loop_fence_16_pages},
    Figure{"fence-asid", loop_fence_asid},
    Figure{"ipi-taken", loop_ipi, handle_ipi, Sip::SSIP::mask},
    Figure{.name = "plic-read", .loop = loop_plic_read, .of_pair = true},
    Figure{"plic-read-compressed", loop_compressed_read},
    Figure{.name = "plic-write", .loop = loop_plic_write, .of_pair = true},
    Figure{"collision", loop_collision},
    Figure{"plic-claim-nothing", loop_claim_nothing},
    Figure{"plic-complete-nothing", loop_complete_nothing},
    Figure{"page-start-read", loop_page_start_read},
    Figure{"page-start-write", loop_page_start_write},
    Figure{.name = "uart-read", .loop = loop_uart_read, .of_pair = true},
    Figure{.name = "uart-write", .loop = loop_uart_write, .of_pair = true},
    Figure{"illegal-csr", loop_illegal, handle_illegal},
    Figure{"timer-taken", loop_timer_interrupt, handle_timer},
};

void measure(const Figure& figure, std::uint64_t rounds) {
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(figure.handler));
    csr_write<Csr::sie>(figure.interrupts);
    csr_set<Csr::sstatus>(Sstatus::SIE::mask);
    const std::uint64_t start = now();
    figure.loop(rounds);
    const std::uint64_t ticks = now() - start;
    csr_clear<Csr::sstatus>(Sstatus::SIE::mask);
    csr_write<Csr::sie>(0);
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(guest_trap_entry));
    print_figure(figure.name, ticks * instructions_per_tick, rounds);
}

template <class T>
void store(std::uint64_t address, T value) {
    *reinterpret_cast<volatile T*>(address) = value;
}

/// The UART's interrupt, claimed and completed while it stays asserted: its transmitter is empty.
void measure_claims(std::uint64_t rounds) {
    constexpr std::uint64_t enable = guest_map::plic.base.value + plic::enable(1, 0);
    constexpr std::uint64_t priority =
        guest_map::plic.base.value + plic::priority(guest_map::uart_irq);
    constexpr std::uint64_t ier = guest_map::uart.base.value + 1;
    store(priority, 1u);
    store(enable, 1u << guest_map::uart_irq);
    store(ier, std::uint8_t{2});  // transmitter empty
    measure({"plic-claim-complete", loop_claim_complete}, rounds);
    store(ier, std::uint8_t{0});
    store(enable, 0u);
    store(priority, 0u);
}

/// Characters that terminals do not show.
void measure_characters() {
    const std::uint64_t start = now();
    loop_uart_output(character_rounds);
    const std::uint64_t ticks = now() - start;
    println();
    print_figure("uart-output", ticks * instructions_per_tick, character_rounds);
}

void measure_console() {
    if (!sbi_has(SbiExtension::dbcn)) return;
    const std::uint64_t start = now();
    loop_dbcn_write(console_rounds);
    print_figure("dbcn-64", (now() - start) * instructions_per_tick, console_rounds);
}

/// What the first store to a page costs more than the second. The pages are RAM behind this image.
void measure_first_touch() {
    constexpr std::uint64_t pages = 16'384;
    auto* const first = reinterpret_cast<std::byte*>(0x8400'0000);
    const std::uint64_t start = now();
    loop_touch(pages, first);
    const std::uint64_t between = now();
    loop_touch(pages, first);
    const std::uint64_t once = between - start;
    const std::uint64_t again = now() - between;
    print_figure("first-touch", (once - std::min(once, again)) * instructions_per_tick, pages);
}

/// Runs 2 * `rounds` instructions.
void delay(std::uint64_t rounds) {
    loop_empty(rounds);
}

/// From the deadline to the first instruction behind wfi, interrupts masked, give or take 1. QEMU
/// arms its timer up to a tick late, depending on when in a tick that is done: so it is done at
/// many places in a tick, and the least counts.
void measure_sleep() {
    constexpr std::uint64_t sleep = 10'000;
    constexpr std::uint64_t spin = 1'000;
    constexpr std::uint64_t rounds = 300;
    csr_write<Csr::sie>(Sip::STIP::mask);
    std::uint64_t least = spin * instructions_per_tick;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        delay(1 + round % 100);
        const std::uint64_t deadline = now() + sleep;
        set_timer(deadline);
        const std::uint64_t spun = sleep_and_spin(deadline, deadline + spin, round % 3);
        least = std::min(least, spin * instructions_per_tick + 1 - spun);
    }
    csr_write<Csr::sie>(0);
    set_timer(never);
    print_figure("wfi", least, 1);
}

SbiResult hart_status(std::uint64_t hart) {
    return sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart);
}

/// Lets other harts run: with -icount QEMU runs one at a time, until it sleeps.
void sleep_for(std::uint64_t ticks) {
    const std::uint64_t enabled = csr_swap<Csr::sie>(Sip::STIP::mask);
    set_timer(now() + ticks);
    wait_for_interrupt();
    set_timer(never);
    csr_write<Csr::sie>(enabled);
}

/// The other of harts 0 and 1: it has been started and sleeps, until it gets an IPI and sends one.
std::uint64_t start_pong(std::uint64_t self) {
    const std::uint64_t other = 1 - self;
    sbi_call(SbiExtension::hsm, SbiHsm::hart_start, other, reinterpret_cast<std::uint64_t>(pong),
             self);
    while (hart_status(other).value != started)
        sleep_for(100);
    return other;
}

/// From an IPI to another hart, which sleeps, to the next instruction of its handler: half of what
/// it takes to get one back. In ticks, for all rounds.
std::uint64_t play(std::uint64_t rounds, std::uint64_t other) {
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(handle_signal));
    csr_write<Csr::sie>(Sip::SSIP::mask);
    ping(1, other);
    const std::uint64_t start = now();
    ping(rounds, other);
    const std::uint64_t ticks = now() - start;
    csr_write<Csr::sie>(0);
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(guest_trap_entry));
    return ticks;
}

void measure_cross_ipi(std::uint64_t rounds, std::uint64_t self) {
    const std::uint64_t other = start_pong(self);
    print_figure("ipi-cross", play(rounds, other) * instructions_per_tick, 2 * rounds);
}

/// A remote fence of another hart, which sleeps: what both harts run until it returns. The caller
/// waits, so a third hart ends turns. Where in the call they end changes from round to round, and
/// the least counts: there the caller has waited for one look.
void measure_cross_fence(std::string_view name, std::uint64_t other, SbiRfence function,
                         std::uint64_t size) {
    constexpr std::uint64_t places = 1'500;  // two instructions each: a turn
    std::uint64_t least = never;
    for (std::uint64_t place = 1; place <= places; ++place) {
        delay(place);
        const std::uint64_t before = pacer_rounds;
        const std::uint64_t ran = fence_others(1 << other, function, size);
        least = std::min(least, ran - (pacer_rounds - before) * 6);
    }
    print_figure(name, least, 1);
}

void measure_cross_fences(std::uint64_t self) {
    const std::uint64_t other = start_pong(self);
    sbi_call(SbiExtension::hsm, SbiHsm::hart_start, 2, reinterpret_cast<std::uint64_t>(pace),
             reinterpret_cast<std::uint64_t>(&pacer_rounds));
    sleep_for(2 * ticks_per_second);  // whatever the harts had to do beside is done
    (void)play(10, other);
    sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, 1 << 2, 0);
    while (pacer_rounds == 0)
        sleep_for(100);
    measure_cross_fence("fence-cross", other, SbiRfence::remote_sfence_vma, never);
    measure_cross_fence("fence-cross-code", other, SbiRfence::remote_fence_i, 0);
    measure_cross_fence("fence-cross-page", other, SbiRfence::remote_sfence_vma, 4096);
}

/// Sstc is there if its CSR can be read; runtime.cpp steps over it if not.
bool has_sstc() {
    const unsigned before = last_trap.count;
    (void)csr_read<Csr::stimecmp>();
    return last_trap.count == before;
}

struct Request {
    std::uint64_t rounds = default_rounds;
    /// Measure this one alone; empty: all; "pair": what is asked for on machines of two harts.
    std::string_view figure;
};

/// "[ROUNDS [FIGURE]]"
Request parse(std::string_view arguments) {
    Request request;
    const auto* const end = arguments.data() + arguments.size();
    const auto number = std::from_chars(arguments.data(), end, request.rounds);
    request.rounds = std::max<std::uint64_t>(request.rounds, 1);
    if (number.ptr != end) request.figure = std::string_view(number.ptr + 1, end);
    return request;
}

}  // namespace

void run(std::string_view arguments) {
    const auto [rounds, only] = parse(arguments);
    println("exits: {} rounds, Sstc {}", rounds, has_sstc() ? "yes" : "no");
    for (const Figure& figure : figures) {
        if (only.empty() || only == figure.name || (only == "pair" && figure.of_pair)) {
            measure(figure, rounds);
        }
    }
    set_timer(never);
    if (only.empty() || only == "pair") {
        measure_characters();
        measure_claims(rounds);
    }
    if (only.empty()) {
        measure_console();
        measure_first_touch();
        measure_sleep();
        measure_longest_exits();
    }
    // This is hart 0 or 1: so says whoever starts it on a machine of more than one.
    const std::uint64_t self = hart_status(0).value == started ? 0 : 1;
    if (hart_status(2).ok()) {
        measure_cross_fences(self);
    } else if (hart_status(1).ok()) {
        measure_cross_ipi(rounds, self);
    }
    println("exits: end");
}

}  // namespace cairn::guest
