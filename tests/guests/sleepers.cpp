// SPDX-License-Identifier: MIT
// Harts that sleep with nothing but their timers, and clear a pending bit of their own just when
// the timer fires: an interrupt that is lost then is one that nobody else makes up for. A hart has
// lost one if it sleeps on while another has slept `patience` times. Argument: how often each hart
// is to sleep.
#include <array>
#include <atomic>

#include "tests/guests/guest_runtime.hpp"

extern "C" void smp_entry();

namespace cairn::guest {
namespace {

constexpr std::size_t max_harts = 8;
constexpr std::uint64_t patience = 5'000;    // sleeps, each of 20 us and more
constexpr std::uint64_t progress = 100'000;  // sleeps
constexpr std::uint64_t never = ~std::uint64_t{0};

alignas(16) std::array<std::array<std::byte, 16384>, max_harts> stacks;

struct Hart {
    std::atomic<std::uint64_t> wakes = 0;
    std::uint64_t random = 0;
    // What it knows of another: its wakes, and how often this hart has slept since it saw them.
    std::array<std::uint64_t, max_harts> seen{};
    std::array<std::uint64_t, max_harts> seen_at{};
};
std::array<Hart, max_harts> harts;
std::size_t hart_count = 0;
std::uint64_t sleeps = 0;
std::atomic<std::size_t> finished = 0;  // harts that have slept often enough
std::atomic<std::size_t> stopped = 0;   // that have left their sleep for good
std::atomic<std::size_t> lost = max_harts;

Hart& self() {
    return harts[csr_read<Csr::sscratch>()];
}

std::uint64_t now() {
    return csr_read<Csr::time>();
}

void on_interrupt(std::uint64_t) {
    sbi_call(SbiExtension::time, SbiTime::set_timer, never);
    self().wakes.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t random_below(std::uint64_t bound) {
    std::uint64_t& x = self().random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x % bound;
}

void sleep_once() {
    Hart& hart = self();
    const std::uint64_t before = hart.wakes;
    csr_clear<Csr::sstatus>(2);  // or the interrupt could come before the wfi that waits for it
    const std::uint64_t deadline = now() + 200 + random_below(1000);  // 20 to 120 us
    csr_write<Csr::stimecmp>(deadline);
    const std::uint64_t touch = deadline - 20 + random_below(100);
    while (now() < touch) {
    }
    csr_clear<Csr::sip>(2);
    asm volatile("wfi" : : : "memory");
    csr_set<Csr::sstatus>(2);
    while (hart.wakes == before) {
    }
}

void look_at_others() {
    Hart& hart = self();
    for (std::size_t other = 0; other < hart_count; ++other) {
        const std::uint64_t wakes = harts[other].wakes.load(std::memory_order_relaxed);
        if (wakes != hart.seen[other] || wakes == 0) {  // 0: it has not begun
            hart.seen[other] = wakes;
            hart.seen_at[other] = hart.wakes;
        } else if (hart.wakes - hart.seen_at[other] > patience) {
            lost = other;
        }
    }
}

void show_progress() {
    const std::uint64_t wakes = self().wakes;
    if (wakes % progress == 0) println("sleepers: {} sleeps so far", wakes);
}

void sleep_often(std::size_t number, bool speaks) {
    csr_write<Csr::sscratch>(number);
    csr_write<Csr::stimecmp>(never);
    csr_write<Csr::sie>(1 << 5);
    csr_set<Csr::sstatus>(2);
    while (finished < hart_count && lost == max_harts) {  // others may need it as their clock
        sleep_once();
        if (self().wakes == sleeps) ++finished;
        if (speaks) show_progress();
        look_at_others();
    }
    csr_clear<Csr::sstatus>(2);
    ++stopped;
}

std::uint64_t read_number(std::string_view text) {
    std::uint64_t number = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') break;
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return number;
}

void start(std::size_t hart) {
    harts[hart].random = now() * 8 + hart + 1;
    const auto stack = reinterpret_cast<std::uint64_t>(stacks[hart].data() + stacks[hart].size());
    sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
             reinterpret_cast<std::uint64_t>(smp_entry), stack);
}

}  // namespace

extern "C" [[noreturn]] void smp_hart(std::size_t hart) {
    sleep_often(hart, false);
    for (;;)
        sbi_call(SbiExtension::hsm, SbiHsm::hart_stop);
}

void run(std::string_view arguments) {
    sleeps = read_number(arguments);
    interrupt_handler = on_interrupt;
    std::size_t boot_hart = 0;
    while (hart_count < max_harts) {
        const SbiResult status = sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart_count);
        if (!status.ok()) break;
        if (status.value == 0) boot_hart = hart_count;
        ++hart_count;
    }
    for (std::size_t hart = 0; hart < hart_count; ++hart)
        start(hart);  // refused where it runs already
    sleep_often(boot_hart, true);
    while (stopped < hart_count && lost == max_harts) {
    }
    for (std::size_t hart = 0; hart < hart_count; ++hart)
        println("sleepers: hart {} slept {} times", hart, harts[hart].wakes.load());
    if (lost != max_harts) println("sleepers: hart {} sleeps on: its timer is lost", lost.load());
    println("sleepers: end");
    power_off(lost != max_harts);
}

}  // namespace cairn::guest
