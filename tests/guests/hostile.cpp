// SPDX-License-Identifier: MIT
// A guest that does whatever a guest can: CSRs of every number, any instructions, SBI calls,
// accesses of devices and around them, page tables of nonsense, storms of IPIs and fences, sleeps,
// stops and starts, on every hart that it has; then says how many it did. What it does is a matter
// of its seed alone. Arguments: the seed, how many actions each hart does, and "reboots": then it
// asks the console for a letter first, which goes into the seed, and resets itself while the others
// still act. The letter q ends that. With "root" the other hart does one thing: it takes a page
// table of nonsense for its own, from which there is no way back; the first powers off soon after.
#include <atomic>

#include <cairn/fdt_reader.hpp>
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/hostile/actions.hpp"
#include "tests/guests/hostile/cell.hpp"

extern "C" void hostile_entry();

extern "C" {
/// Where harts begin (tests/guests/hostile/sandbox.S).
alignas(
    16) std::array<std::array<std::byte, 16384>, cairn::guest::hostile::max_harts> hostile_stacks;
}

namespace cairn::guest {
namespace {

using namespace hostile;

constexpr std::uint64_t patience = 600'000'000;  // ticks of `time`, 60 s

struct Arguments {
    std::uint64_t seed = 0;
    std::uint64_t actions = 0;
    bool reboots = false;
    bool root = false;
};
Arguments arguments;
struct alignas(64) Progress {
    std::atomic<std::uint64_t> actions = 0;
    std::atomic<bool> finished = false;
};
std::array<Progress, max_harts> progress;

std::uint64_t take_number(std::string_view& text) {
    std::uint64_t value = 0;
    while (!text.empty() && text[0] == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        value = value * 10 + static_cast<std::uint64_t>(text[0] - '0');
        text.remove_prefix(1);
    }
    return value;
}

/// The UART as it was, whatever has been written to it.
void mend_console() {
    const auto write = [](unsigned offset, std::uint8_t value) {
        *reinterpret_cast<volatile std::uint8_t*>(uart_base + offset) = value;
    };
    write(3, 0x03);  // LCR
    write(1, 0);     // IER
    write(2, 0x01);  // FCR
    write(4, 0);     // MCR
}

std::uint64_t status(std::size_t hart) {
    return sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart).value;
}

void start_stopped_harts() {
    for (std::size_t hart = 0; hart < machine.harts; ++hart) {
        if (hart == machine.boot_hart || progress[hart].finished || status(hart) != 1) continue;
        // Another hart may have started it meanwhile.
        sbi_call(SbiExtension::hsm, SbiHsm::hart_start, hart,
                 reinterpret_cast<std::uint64_t>(hostile_entry), 0u);
    }
}

/// Each action has a generator of its own, so that a hart goes on behind the one that it began
/// when it begins again.
void act_next(std::size_t hart) {
    const std::uint64_t number = progress[hart].actions++;
    Random mixed(arguments.seed * max_harts + hart);
    act(hart, Random(mixed.next() + number * 0x2545'f491'4f6c'dd1d));
}

void find_machine() {
    while (machine.harts < max_harts &&
           sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, machine.harts).ok()) {
        if (status(machine.harts) == 0) machine.boot_hart = machine.harts;
        ++machine.harts;
    }
    constexpr std::uint64_t ram = 0x8000'0000, step = 1u << 20;
    const auto is_ram = [](std::uint64_t at) {  // as SBI DBCN has it
        return sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, 0u, at, 0u).ok();
    };
    for (machine.ram_end = ram + step; is_ram(machine.ram_end + step); machine.ram_end += step) {
    }
}

/// A hart that still acts may have had less of the machine than the others; one that does not is
/// lost.
bool finishes(std::size_t hart) {
    std::uint64_t last = csr_read<Csr::time>();
    std::uint64_t seen = progress[hart].actions;
    while (!(progress[hart].finished && status(hart) == 1)) {
        start_stopped_harts();
        const std::uint64_t now = csr_read<Csr::time>();
        const std::uint64_t acted = progress[hart].actions;
        if (acted != seen) last = now;
        seen = acted;
        if (now - last > patience) return false;
    }
    return true;
}

bool all_finish() {
    for (std::size_t hart = 0; hart < machine.harts; ++hart)
        if (hart != machine.boot_hart && !finishes(hart)) return false;
    return true;
}

void report() {
    std::uint64_t actions = 0, traps = 0;
    for (std::size_t hart = 0; hart < machine.harts; ++hart) {
        actions += progress[hart].actions;
        traps += cell_of(hart).traps;
    }
    mend_console();
    println("\nhostile: seed {}, {} harts: {} actions, {} traps", arguments.seed, machine.harts,
            actions, traps);
    if (!failure().empty()) println("hostile: failed: {}", failure());
    println("hostile: end");
}

[[noreturn]] void reset_somehow(std::uint64_t choice) {
    constexpr std::uint32_t reset_command = 0x7777;
    mend_console();
    println("\nhostile: {} actions and a reset", progress[machine.boot_hart].actions.load());
    if (choice % 3 == 0) *reinterpret_cast<volatile std::uint32_t*>(0x10'0000) = reset_command;
    sbi_call(SbiExtension::srst, SbiSrst::system_reset,
             choice % 3 == 1 ? SbiResetType::cold_reboot : SbiResetType::warm_reboot,
             SbiResetReason::none);
    for (;;) {
    }
}

void begin_round() {
    println("hostile: which round?");
    const char letter = uart_get();
    if (letter == 'q') {
        println("hostile: end");
        power_off();
    }
    arguments.seed = arguments.seed * 128 + static_cast<std::uint64_t>(letter);
}

/// Any root for satp: a table of anything, or that leads to itself; of a device, or of no RAM.
std::uint64_t nonsense_satp(std::size_t hart, Random& random) {
    const std::uint64_t table = nonsense_table(hart);
    const std::uint64_t loop = table >> 12 << 10 | 1;
    const bool loops = random.one_in(2);
    for (std::size_t place = 0; place < nonsense_entries; ++place)
        write_nonsense(hart, place, loops ? loop : random.next());
    const std::array roots{table,         table,           random.next() >> 8,
                           0x1000'0000ul, machine.ram_end, 0x0c00'0000ul};
    return (8 + random.below(3)) << 60 | (random.one_of(roots) >> 12 & ~0ull >> 20);
}

[[noreturn]] void lose_the_way(std::size_t hart) {
    Random random(arguments.seed);
    csr_write<Csr::satp>(nonsense_satp(hart, random));
    asm volatile("sfence.vma" : : : "memory");
    for (;;) {
    }
}

void watch_another_lose_its_way() {
    constexpr std::uint64_t a_while = 200'000;  // ticks of `time`, 20 ms
    start_stopped_harts();
    const std::uint64_t begin = csr_read<Csr::time>();
    while (csr_read<Csr::time>() - begin < a_while) {
    }
    println("hostile: end");
    power_off();
}

[[noreturn]] void end_the_run() {
    if (arguments.reboots) reset_somehow(arguments.seed);
    if (!all_finish()) fail("a hart does not come to its end");
    report();
    power_off(!failure().empty());
}

bool goes_on(std::size_t hart) {
    const bool until_reset = arguments.reboots && hart != machine.boot_hart;
    return until_reset || progress[hart].actions < arguments.actions;
}

}  // namespace

extern "C" [[noreturn]] void hostile_hart(std::size_t hart) {
    restore_csrs();
    const bool is_first = hart == machine.boot_hart;
    if (arguments.root) lose_the_way(hart);
    while (goes_on(hart)) {
        if (is_first && progress[hart].actions % 8 == 0) start_stopped_harts();
        act_next(hart);
    }
    if (is_first) end_the_run();
    progress[hart].finished = true;
    for (;;)
        sbi_call(SbiExtension::hsm, SbiHsm::hart_stop);
}

void run(std::string_view text) {
    arguments.seed = take_number(text);
    arguments.actions = take_number(text);
    arguments.reboots = text.find("reboots") != std::string_view::npos;
    arguments.root = text.find("root") != std::string_view::npos;
    find_machine();
    if (arguments.reboots) begin_round();
    println("hostile: seed {}, {} actions on each of {} harts", arguments.seed, arguments.actions,
            machine.harts);
    for (std::size_t hart = 0; hart < machine.harts; ++hart)
        make_cell(hart);
    if (arguments.root) return watch_another_lose_its_way();
    hostile_hart(machine.boot_hart);
}

}  // namespace cairn::guest
