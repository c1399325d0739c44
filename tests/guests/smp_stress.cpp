// SPDX-License-Identifier: MIT
// All harts storm each other for as many seconds as the arguments say: IPIs, remote fences of every
// kind, timers, suspensions, stops and starts. Checked is that
//   - each IPI is taken: whoever sends one waits until it was (a lost wake-up is a wait without
//   end);
//   - no hart sees a stale translation: a page moves to another frame, a remote fence, then the
//     page's new generation is published, and who has seen that must not read an older one.
#include <array>
#include <atomic>

#include "tests/guests/runtime.hpp"

extern "C" void smp_entry();

namespace cairn::guest {
namespace {

constexpr std::size_t max_harts = 8;
constexpr std::size_t frames_per_hart = 4;
constexpr std::uint64_t window_base = 0x4000'0000;  // a page for each hart
constexpr std::uint64_t patience = 100'000'000;     // ticks of `time`, 10 s
constexpr std::uint64_t look_for = 20'000;          // ticks, 2 ms
constexpr std::uint64_t leaf = 0xcf;                // V R W X A D
constexpr std::uint64_t branch = 0x1;

using Page = std::array<std::uint64_t, 512>;
alignas(4096) Page root, middle, bottom;
alignas(4096) std::array<std::array<Page, frames_per_hart>, max_harts> frames;
alignas(16) std::array<std::array<std::byte, 16384>, max_harts> stacks;

struct Figures {
    std::uint64_t ipis, fences, timers, suspensions, stops, checks;
};

struct Hart {
    std::atomic<std::uint64_t> mail = 0;  ///< senders of IPIs that it has not taken, a bit each
    std::atomic<std::uint64_t> generation = 0;  ///< what its window shows at least
    std::uint64_t random = 0;
    Figures figures{};
};
std::array<Hart, max_harts> harts;
std::size_t hart_count = 0;
std::size_t boot_hart = 0;
std::atomic<bool> finish = false;
std::atomic<const char*> failure = nullptr;

std::uint64_t now() {
    return csr_read<Csr::time>();
}

std::uint64_t pte(const void* page, std::uint64_t bits) {
    return reinterpret_cast<std::uint64_t>(page) >> 12 << 10 | bits;
}

volatile std::uint64_t& window(std::size_t hart) {
    return *reinterpret_cast<volatile std::uint64_t*>(window_base + hart * 4096);
}

void fail(const char* what) {
    failure = what;
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

void turn_paging_on() {
    csr_write<Csr::satp>(std::uint64_t{8} << 60 | reinterpret_cast<std::uint64_t>(&root) >> 12);
    asm volatile("sfence.vma" : : : "memory");
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

void start_stopped_harts() {
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        if (hart == boot_hart || status(hart) != 1) continue;
        const auto top = reinterpret_cast<std::uint64_t>(stacks[hart].data() + stacks[hart].size());
        const SbiResult started = sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
                                           reinterpret_cast<std::uint64_t>(smp_entry), top);
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

void send_ipis() {
    const std::uint64_t all = (std::uint64_t{1} << hart_count) - 1;
    const std::uint64_t targets = random() & all;
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        if ((targets >> hart & 1) != 0) harts[hart].mail |= std::uint64_t{1} << self();
    }
    if (!sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, targets, 0u).ok()) fail("send_ipi");
    harts[self()].figures.ipis += static_cast<std::uint64_t>(__builtin_popcountll(targets));
    wait_for(targets);
}

/// Moves this hart's window to its next frame.
void move_window() {
    Hart& hart = harts[self()];
    const std::uint64_t next = hart.generation + 1;
    Page& frame = frames[self()][next % frames_per_hart];
    *static_cast<volatile std::uint64_t*>(frame.data()) = next;
    *static_cast<volatile std::uint64_t*>(&bottom[self()]) = pte(&frame, leaf);
    const bool by_asid = (random() & 1) != 0;
    const SbiResult fenced =
        by_asid ? sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma_asid, 0u,
                           ~std::uint64_t{0}, window_base + self() * 4096, 4096u, 0u)
                : sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 0u,
                           ~std::uint64_t{0}, window_base + self() * 4096, 4096u);
    if (!fenced.ok()) fail("remote_sfence_vma");
    hart.generation = next;
    ++hart.figures.fences;
}

/// Long enough without a call for others to move their windows meanwhile: emulators forget all
/// translations of a hart that leaves the guest.
void check_windows() {
    const std::uint64_t begin = now();
    while (now() - begin < look_for) {
        for (std::size_t hart = 0; hart < hart_count; ++hart) {
            const std::uint64_t published = harts[hart].generation;
            if (window(hart) < published) fail("a stale translation");
        }
        ++harts[self()].figures.checks;
    }
}

void sleep_a_while() {
    csr_clear<Csr::sstatus>(2);  // or the timer could be taken before the hart sleeps
    sbi_call(SbiExtension::time, SbiTime::set_timer, now() + random() % 5000);
    ++harts[self()].figures.suspensions;
    if ((random() & 1) != 0) {
        asm volatile("wfi");
    } else if (!sbi_call(SbiExtension::hsm, SbiHsm::hart_suspend, 0u, 0u, 0u).ok()) {
        fail("hart_suspend");
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
    switch (random() % 8) {
        case 0:
        case 1:
        case 2: return send_ipis();
        case 3:
        case 4: return move_window();
        case 5:
            sbi_call(SbiExtension::rfence, SbiRfence::remote_fence_i, 0u, ~std::uint64_t{0});
            return;
        case 6: return sleep_a_while();
        default: return check_windows();
    }
}

void begin_on(std::size_t hart) {
    csr_write<Csr::sscratch>(hart);
    turn_paging_on();
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

void map_memory() {
    root[0] = leaf;  // devices, and RAM, where they are
    root[2] = pte(reinterpret_cast<const void*>(0x8000'0000), leaf);
    root[1] = pte(&middle, branch);
    middle[0] = pte(&bottom, branch);
    for (std::size_t hart = 0; hart < hart_count; ++hart)
        bottom[hart] = pte(&frames[hart][0], leaf);
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

/// Waits until every other hart has stopped itself.
void gather() {
    const std::uint64_t begin = now();
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        while (hart != boot_hart && status(hart) != 1) {
            if (now() - begin > patience) return fail("a hart does not stop");
        }
    }
}

}  // namespace

extern "C" [[noreturn]] void smp_hart(std::size_t hart) {
    begin_on(hart);
    while (!finish) {
        storm_once();
        if (random() % 256 == 0) stop_hart();
    }
    stop_hart();
}

void run(std::string_view arguments) {
    std::uint64_t seconds = 0;
    for (const char digit : arguments)
        seconds = seconds * 10 + static_cast<std::uint64_t>(digit - '0');
    find_harts();
    map_memory();
    interrupt_handler = on_interrupt;
    const std::uint64_t end = now() + seconds * 10'000'000;
    begin_on(boot_hart);
    while (now() < end && failure == nullptr) {
        start_stopped_harts();
        storm_once();
    }
    finish = true;
    gather();
    csr_write<Csr::sie>(0);
    report();
    if (failure != nullptr) println("stress: failed: {}", std::string_view(failure.load()));
    println("stress: end");
    power_off(failure != nullptr);
}

}  // namespace cairn::guest
