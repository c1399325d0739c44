// SPDX-License-Identifier: MIT
// All harts storm each other: IPIs, remote fences of every kind, timers, suspensions of every kind,
// stops and starts. Checked is that
//   - each IPI is taken: whoever sends one waits until it was (a lost wake-up is a wait without
//   end);
//   - no hart that a remote fence named sees a stale translation or instruction afterwards
//   (tests/guests/smp_views.hpp).
// Arguments: seconds, and what to leave out, as in "60 without=stops,code".
#include <array>
#include <atomic>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/smp_views.hpp"

extern "C" void smp_entry();

namespace cairn::guest {
namespace {

constexpr std::size_t max_harts = stress_harts;
constexpr std::uint64_t patience = 600'000'000;  // ticks of `time`, 60 s
constexpr std::uint64_t look_for = 20'000;       // ticks, 2 ms

alignas(16) std::array<std::array<std::byte, 16384>, max_harts> stacks;

struct Figures {
    std::uint64_t ipis, fences, timers, suspensions, stops, checks;
};

enum class Storm : std::uint8_t { ipis, pages, code, sleeps, looks, stops, count };
constexpr std::array<std::string_view, 6> storm_names{"ipis",   "pages", "code",
                                                      "sleeps", "looks", "stops"};
std::array<bool, 6> left_out{};

struct Hart {
    std::atomic<std::uint64_t> mail = 0;  ///< senders of IPIs that it has not taken, a bit each
    std::uint64_t random = 0;
    Figures figures{};
};
std::array<Hart, max_harts> harts;
std::size_t hart_count = 0;
std::size_t boot_hart = 0;
std::atomic<bool> finish = false;    // the storm is over
std::atomic<Harts> quiet = 0;        // harts that have seen that
std::atomic<bool> may_stop = false;  // all have
std::atomic<const char*> failure = nullptr;
Stale stale{};  // of a failure of that kind

std::uint64_t now() {
    return csr_read<Csr::time>();
}

void fail(const char* what) {
    const char* none = nullptr;
    failure.compare_exchange_strong(none, what);  // the first one counts
}

bool is_left_out(Storm storm) {
    return left_out[static_cast<std::size_t>(storm)];
}

std::size_t self() {
    return csr_read<Csr::sscratch>();
}

std::uint64_t random() {
    std::uint64_t& x = harts[self()].random;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

void take_mail() {
    harts[self()].mail.exchange(0);
}

void on_interrupt(std::uint64_t cause) {
    if ((cause & 0xff) == 1) {
        csr_clear<Csr::sip>(2);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        take_mail();
    } else {
        sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
        ++harts[self()].figures.timers;
    }
}

std::uint64_t status(std::size_t hart) {
    return sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart).value;
}

std::uint64_t stack_top(std::size_t hart) {
    return reinterpret_cast<std::uint64_t>(stacks[hart].data() + stacks[hart].size());
}

void start_stopped_harts() {
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        if (hart == boot_hart || status(hart) != 1) continue;
        const SbiResult started =
            sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
                     reinterpret_cast<std::uint64_t>(smp_entry), stack_top(hart));
        if (!started.ok()) fail("hart_start");
    }
}

/// Waits until every one of `targets` has taken this hart's mail.
void wait_for(std::uint64_t targets) {
    const std::uint64_t bit = std::uint64_t{1} << self();
    const std::uint64_t begin = now();
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        if ((targets >> hart & 1) == 0) continue;
        while ((harts[hart].mail & bit) != 0 && !finish) {
            if (self() == boot_hart) start_stopped_harts();  // nobody else does
            if (now() - begin > patience) return fail("an IPI was lost");
        }
    }
}

Harts some_harts() {
    const Harts all = (Harts{1} << hart_count) - 1;
    return (random() & 3) == 0 ? all : random() & all;
}

void send_ipis() {
    const Harts targets = some_harts();
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        if ((targets >> hart & 1) != 0) harts[hart].mail |= std::uint64_t{1} << self();
    }
    const auto [mask, base] = mask_of(targets, random());
    if (!sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, mask, base).ok()) fail("send_ipi");
    harts[self()].figures.ipis += static_cast<std::uint64_t>(__builtin_popcountll(targets));
    wait_for(targets);
}

void change(bool fenced) {
    if (!fenced) fail("a remote fence is refused");
    ++harts[self()].figures.fences;
}

/// Long enough without a call for others to change things meanwhile: emulators forget all
/// translations of a hart that leaves the guest.
void look_around() {
    const std::uint64_t begin = now();
    while (now() - begin < look_for && failure == nullptr) {
        Stale found{};
        if (!look(self(), found)) {
            stale = found;
            fail(found.what);
        }
        ++harts[self()].figures.checks;
    }
}

/// Until the timer; by wfi, or suspended. A non-retentive suspension begins again at smp_entry.
void sleep_a_while() {
    csr_clear<Csr::sstatus>(2);  // or the timer could be taken before the hart sleeps
    sbi_call(SbiExtension::time, SbiTime::set_timer, now() + random() % 5000);
    ++harts[self()].figures.suspensions;
    const std::uint64_t kind = random() % 3;
    if (kind == 0) {
        asm volatile("wfi");
    } else if (kind == 1 || self() == boot_hart) {
        if (!sbi_call(SbiExtension::hsm, SbiHsm::hart_suspend, 0u, 0u, 0u).ok())
            fail("hart_suspend");
    } else {
        sbi_call(SbiExtension::hsm, SbiHsm::hart_suspend, 0x8000'0000u,
                 reinterpret_cast<std::uint64_t>(smp_entry), stack_top(self()));
        fail("hart_suspend, non-retentive, came back");
    }
    csr_set<Csr::sstatus>(2);
}

[[noreturn]] void stop_hart() {
    csr_clear<Csr::sstatus>(2);
    ++harts[self()].figures.stops;
    sbi_call(SbiExtension::hsm, SbiHsm::hart_stop);
    fail("hart_stop came back");
    for (;;) {
    }
}

void storm_once() {
    constexpr std::array<Storm, 8> lots{Storm::ipis, Storm::ipis,  Storm::pages,  Storm::pages,
                                        Storm::code, Storm::looks, Storm::sleeps, Storm::looks};
    const Storm storm = lots[random() % lots.size()];
    if (is_left_out(storm)) return;
    switch (storm) {
        case Storm::ipis: return send_ipis();
        case Storm::pages: return change(move_pages(self(), some_harts(), random()));
        case Storm::code: return change(rewrite_function(self()));
        case Storm::sleeps: return sleep_a_while();
        case Storm::looks: return look_around();
        case Storm::stops:
        case Storm::count: return;
    }
}

void begin_on(std::size_t hart) {
    csr_write<Csr::sscratch>(hart);
    enter_views(hart);
    take_mail();
    csr_write<Csr::sie>(1 << 1 | 1 << 5);
    csr_set<Csr::sstatus>(2);
}

void find_harts() {
    while (hart_count < max_harts &&
           sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart_count).ok()) {
        if (status(hart_count) == 0) boot_hart = hart_count;
        harts[hart_count].random = now() * 8 + hart_count + 1;
        ++hart_count;
    }
}

void report() {
    Figures sum{};
    for (const Hart& hart : harts) {
        sum.ipis += hart.figures.ipis;
        sum.fences += hart.figures.fences;
        sum.timers += hart.figures.timers;
        sum.suspensions += hart.figures.suspensions;
        sum.stops += hart.figures.stops;
        sum.checks += hart.figures.checks;
    }
    println("stress: {} harts: {} IPIs, {} remote fences, {} looks, {} timers, {} sleeps, {} stops",
            hart_count, sum.ipis, sum.fences, sum.checks, sum.timers, sum.suspensions, sum.stops);
}

bool wait_for_each(bool (*holds)(std::size_t hart)) {
    const std::uint64_t begin = now();
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        while (hart != boot_hart && !holds(hart)) {
            if (now() - begin > patience) return false;
        }
    }
    return true;
}

/// Ends the storm everywhere before any hart stops for good: OpenSBI 1.1 forgets a remote fence
/// that reaches a hart while it stops, and its caller waits for ever.
void gather() {
    finish = true;
    const bool all_quiet = wait_for_each(
        [](std::size_t hart) { return (quiet >> hart & 1) != 0 || status(hart) == 1; });
    if (!all_quiet) return fail("a hart does not come back from its last call");
    may_stop = true;
    if (!wait_for_each([](std::size_t hart) { return status(hart) == 1; }))
        fail("a hart does not stop");
}

/// "SECONDS without=NAME,NAME..."
std::uint64_t read_arguments(std::string_view arguments) {
    std::uint64_t seconds = 0;
    while (!arguments.empty() && arguments[0] >= '0' && arguments[0] <= '9') {
        seconds = seconds * 10 + static_cast<std::uint64_t>(arguments[0] - '0');
        arguments.remove_prefix(1);
    }
    for (std::size_t storm = 0; storm < storm_names.size(); ++storm)
        left_out[storm] = arguments.find(storm_names[storm]) != std::string_view::npos;
    return seconds;
}

void report_failure() {
    println("stress: failed: {}", std::string_view(failure.load()));
    if (stale.what != nullptr)
        println("stress: of hart {}, page {}: {} was seen, {} published", stale.owner, stale.page,
                stale.seen, stale.published);
}

}  // namespace

extern "C" [[noreturn]] void smp_hart(std::size_t hart) {
    begin_on(hart);
    while (!finish) {
        storm_once();
        if (!is_left_out(Storm::stops) && random() % 64 == 0) stop_hart();
    }
    quiet |= Harts{1} << hart;
    while (!may_stop) {
    }
    stop_hart();
}

void run(std::string_view arguments) {
    const std::uint64_t seconds = read_arguments(arguments);
    find_harts();
    make_views(hart_count);
    interrupt_handler = on_interrupt;
    const std::uint64_t end = now() + seconds * 10'000'000;
    begin_on(boot_hart);
    while (now() < end && failure == nullptr) {
        start_stopped_harts();
        storm_once();
    }
    gather();
    csr_write<Csr::sie>(0);
    report();
    if (failure != nullptr) report_failure();
    println("stress: end");
    power_off(failure != nullptr);
}

}  // namespace cairn::guest
