// SPDX-License-Identifier: MIT
// Accesses one page in every way that it knows, and another page in the same ways: what both give
// is the same, or the guest fails. A debugger watches a word of the first page, which nothing of
// that touches. All harts count in that page, too. 'r' and 'w' load and store the watched word, 'a'
// has an AMO and 'c' an SC change it, 'm' stores to its end and to what lies behind at once, 'v'
// clears it by a vector instruction, 's' says how many rounds there were, 'q' ends it.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "tests/guests/guest_runtime.hpp"

extern "C" {
void smp_entry();

struct WatchPages {
    alignas(4096) std::uint64_t watched;
    std::atomic<std::uint32_t> added;      // by AMOs
    std::atomic<std::uint32_t> exchanged;  // by LR and SC
    std::array<std::byte, 2 * 4096 - 16> bytes;
};
WatchPages watch_pages;
WatchPages plain_pages;
volatile std::uint64_t watch_rounds = 0;
volatile char watch_order = 0;        // as if typed, by a debugger
volatile bool watch_reserves = true;  // whether there are LRs in the page

/// Where breakpoints are.
[[gnu::noinline]] void watch_round() {
    watch_rounds = watch_rounds + 1;
}

[[gnu::noinline]] void watch_store() {
    *const_cast<volatile std::uint64_t*>(&watch_pages.watched) = watch_pages.watched + 1;
}
}

namespace cairn::guest {
namespace {

constexpr std::size_t max_harts = 4;
constexpr unsigned turns = 20;
alignas(16) std::array<std::array<std::byte, 8192>, max_harts> stacks;
std::size_t hart_count = 1;
std::atomic<std::uint32_t> round_of_all = 0;
std::atomic<std::uint32_t> finished = 0;

struct Findings {
    std::array<std::uint64_t, 48> values{};
    std::size_t count = 0;
    void add(std::uint64_t value) { values[count++] = value; }
};

template <class T>
void load_and_store(std::byte* at, Findings& found) {
    auto* const place = reinterpret_cast<volatile T*>(at);
    found.add(static_cast<std::uint64_t>(static_cast<std::int64_t>(*place)));
    *place = static_cast<T>(*place * 3 + 1);
    found.add(static_cast<std::uint64_t>(static_cast<std::int64_t>(*place)));
}

#define OPERATE(instruction, at, value)                                                          \
    [&] {                                                                                        \
        std::uint64_t old;                                                                       \
        asm volatile(instruction " %0, %2, (%1)" : "=&r"(old) : "r"(at), "r"(value) : "memory"); \
        return old;                                                                              \
    }()

void operate(std::byte* at, Findings& found) {
    constexpr std::uint64_t value = 0xf0f0'0f0f'8000'0001;
    found.add(OPERATE("amoadd.w", at, value));
    found.add(OPERATE("amoxor.d", at + 8, value));
    found.add(OPERATE("amoand.w", at + 4, value));
    found.add(OPERATE("amoor.d", at + 8, value));
    found.add(OPERATE("amomin.w", at, value));
    found.add(OPERATE("amomaxu.w", at, value));
    found.add(OPERATE("amomax.d", at + 8, value));
    found.add(OPERATE("amominu.d", at + 8, value));
    found.add(OPERATE("amoswap.d.aqrl", at + 16, value));
    if (!watch_reserves) return;
    std::uint64_t failed = 1;
    asm volatile("1: lr.d.aq t0, (%1)\n addi t0, t0, 5\n sc.d.rl %0, t0, (%1)\n bnez %0, 1b"
                 : "=&r"(failed)
                 : "r"(at + 24)
                 : "t0", "memory");
    found.add(failed);
    asm volatile("sc.w %0, zero, (%1)" : "=&r"(failed) : "r"(at + 24) : "memory");
    found.add(failed);  // without an LR
}

void load_and_store_doubles(std::byte* at, Findings& found) {
    std::uint64_t narrow;
    std::uint64_t wide;
    asm volatile(
        ".option push\n.option arch, +d\n"
        "flw ft0, 0(%2)\n fmv.x.d %0, ft0\n fld ft1, 8(%2)\n fmv.x.d %1, ft1\n"
        "fsw ft1, 16(%2)\n fsd ft0, 24(%2)\n.option pop"
        : "=&r"(narrow), "=&r"(wide)
        : "r"(at)
        : "memory");
    found.add(narrow);
    found.add(wide);
}

Findings exercise(WatchPages& pages) {
    Findings found;
    std::byte* const at = pages.bytes.data() + 48;
    load_and_store<std::int8_t>(at, found);
    load_and_store<std::uint8_t>(at + 1, found);
    load_and_store<std::int16_t>(at + 2, found);
    load_and_store<std::uint16_t>(at + 4, found);
    load_and_store<std::int32_t>(at + 8, found);
    load_and_store<std::uint32_t>(at + 12, found);
    load_and_store<std::uint64_t>(at + 16, found);
    load_and_store<std::uint64_t>(at + 27, found);                      // misaligned
    load_and_store<std::uint64_t>(&pages.bytes[4096 - 16 - 3], found);  // into the next page
    operate(at + 64, found);
    load_and_store_doubles(at + 128, found);
    std::memcpy(at + 200, at, 131);
    return found;
}

void fill(WatchPages& pages) {
    for (std::size_t n = 0; n < pages.bytes.size(); ++n)
        pages.bytes[n] = static_cast<std::byte>(n * 37 + n / 251);
}

/// Every hart counts as far, in both ways.
void count_up() {
    for (unsigned n = 0; n < turns; ++n) {
        watch_pages.added.fetch_add(1);
        if (!watch_reserves) continue;
        std::uint32_t seen = watch_pages.exchanged.load();
        while (!watch_pages.exchanged.compare_exchange_weak(seen, seen + 1)) {
        }
    }
    ++finished;
}

bool compare_round() {
    watch_round();
    finished = 0;
    watch_pages.added = watch_pages.exchanged = 0;
    ++round_of_all;
    const Findings watched = exercise(watch_pages);
    const Findings plain = exercise(plain_pages);
    count_up();
    while (finished != hart_count) {
    }
    const auto all = static_cast<std::uint32_t>(turns * hart_count);
    return watched.count == plain.count && watched.values == plain.values &&
           watch_pages.bytes == plain_pages.bytes && watch_pages.added == all &&
           watch_pages.exchanged == (watch_reserves ? all : 0);
}

[[gnu::noinline]] void clear_by_vector() {
    asm volatile(
        ".option push\n.option arch, +v\n"
        "vsetivli zero, 1, e64, m1, ta, ma\n vmv.v.i v0, 7\n vse64.v v0, (%0)\n.option pop"
        :
        : "r"(&watch_pages.watched)
        : "memory");
}

/// Misaligned, to the end of the word and to what lies behind it.
void store_across() {
    const std::uint32_t value = 0x01020304;
    asm volatile("sw %0, 6(%1)" : : "r"(value), "r"(&watch_pages.watched) : "memory");
}

/// False at the end.
bool answer(char typed) {
    auto& word = watch_pages.watched;
    std::uint64_t expected = 0;
    switch (typed) {
        case 'r': println("read: {}", *const_cast<volatile std::uint64_t*>(&word)); break;
        case 'w': watch_store(); break;
        case 'a': std::atomic_ref(word).fetch_add(0x100); break;
        case 'c':
            expected = std::atomic_ref(word).load();
            while (!std::atomic_ref(word).compare_exchange_weak(expected, expected + 0x10000)) {
            }
            break;
        case 'm': store_across(); break;
        case 'v': clear_by_vector(); break;
        case 's': println("{} rounds, all the same", watch_rounds + 0); break;
        case 'q': return false;
        default: break;
    }
    if (typed != 's') println("done: {}", typed);
    return true;
}

void use_extensions() {
    csr_set<Csr::sstatus>(Sstatus::FS::of(ExtensionState::initial));
    csr_set<Csr::sstatus>(Sstatus::VS::of(ExtensionState::initial));
}

/// Refused where one runs already.
void start_harts() {
    hart_count = 0;
    while (hart_count < max_harts &&
           sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart_count).ok())
        ++hart_count;
    for (std::size_t hart = 0; hart < hart_count; ++hart) {
        sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
                 reinterpret_cast<std::uint64_t>(smp_entry),
                 reinterpret_cast<std::uint64_t>(stacks[hart].data() + stacks[hart].size()));
    }
}

}  // namespace

extern "C" void smp_hart(std::uint64_t) {
    for (std::uint32_t seen = 0;;) {
        const std::uint32_t now = round_of_all;
        if (now == seen) continue;
        seen = now;
        count_up();
    }
}

void run(std::string_view) {
    use_extensions();
    fill(watch_pages);
    fill(plain_pages);
    start_harts();
    println("{} harts. Type something.", hart_count);
    for (;;) {
        if (!compare_round()) {
            println("the pages differ");
            power_off(true);
        }
        if (const char order = watch_order; order != 0) {
            watch_order = 0;
            (void)answer(order);
        }
        if (uart_has_input() && !answer(uart_get())) return;
    }
}

}  // namespace cairn::guest
