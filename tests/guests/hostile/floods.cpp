// SPDX-License-Identifier: MIT
#include "tests/guests/hostile/floods.hpp"

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/hostile/actions.hpp"
#include "tests/guests/hostile/cell.hpp"

extern "C" std::byte __image_end[];

namespace cairn::guest::hostile {
namespace {

constexpr unsigned a1 = 11, a2 = 12;
constexpr std::uint32_t wfi = 0x1050'0073, fence_i = 0x0000'100f, rdtime = 0xc010'2573;
constexpr std::uint64_t timer_enabled = 1u << 5, software_enabled = 1u << 1;
constexpr std::uint64_t never = ~std::uint64_t{0};

constexpr std::uint32_t store(unsigned funct3, unsigned base, unsigned value, std::uint32_t at) {
    return (at >> 5) << 25 | value << 20 | base << 15 | funct3 << 12 | (at & 31) << 7 | 0x23;
}

/// Some dozen bytes to the UART, and as many by DBCN; each is written within its exit.
void flood_console(std::size_t hart, Random& random) {
    auto* const uart = reinterpret_cast<volatile std::uint8_t*>(uart_base);
    for (std::uint64_t left = random.below(32); left > 0; --left)
        *uart = static_cast<std::uint8_t>(random.next());
    sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, random.below(256),
             data_of(hart, Where::bare), 0u);
}

/// Timers that have fired when they are set, taken at once; and some that are just about to.
void flood_with_timers(std::size_t hart, Random& random) {
    Program program;
    for (unsigned n = 0; n < 8; ++n)
        program.add32(rdtime);
    for (std::uint64_t left = 1 + random.below(8); left > 0; --left) {
        const std::uint64_t now = csr_read<Csr::time>();
        const std::array deadlines{std::uint64_t{0}, now - 1, now, now + random.below(20),
                                   random.number()};
        sbi_call(SbiExtension::time, SbiTime::set_timer, random.one_of(deadlines));
        csr_write<Csr::sie>(timer_enabled);
        run_program(hart, program, random.one_in(2) ? Where::user : Where::supervisor, true,
                    random.next());
    }
    sbi_call(SbiExtension::time, SbiTime::set_timer, never);
}

/// Sleeps with an interrupt that is pending already, one after the other.
void flood_with_sleeps(std::size_t hart, Random& random) {
    Program program;
    for (std::uint64_t left = 1 + random.below(12); left > 0; --left)
        program.add32(wfi);
    const bool by_timer = random.one_in(2);
    if (by_timer) sbi_call(SbiExtension::time, SbiTime::set_timer, 0u);
    if (!by_timer) sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, 1ull << hart, 0u);
    csr_write<Csr::sie>(by_timer ? timer_enabled : software_enabled);
    run_program(hart, program, Where::bare, false, random.next());
    sbi_call(SbiExtension::time, SbiTime::set_timer, never);
}

/// Code that writes to what comes behind it, with and without fence.i: a load, a CSR, an ecall or
/// an illegal one takes the place of the other.
void rewrite_code(std::size_t hart, Random& random) {
    constexpr std::array<std::uint32_t, 6> others{0x0000'0013, rdtime,      0x0005'3503,
                                                  0x0000'0073, 0x0000'0000, fence_i};
    constexpr std::uint32_t rounds = 6;
    Cell& cell = cell_of(hart);
    const std::uint64_t data = data_of(hart, Where::bare);
    cell.x.fill(data);
    cell.x[a1] = reinterpret_cast<std::uint64_t>(cell.code);
    cell.x[a2] = random.one_of(others);
    cell.x[17] = static_cast<std::uint64_t>(SbiExtension::base);
    Program program;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        program.add32(store(2, a1, a2, (round * 3 + 2) * 4));
        program.add32(random.one_in(2) ? fence_i : 0x0000'0013);
        program.add32(random.one_of(others));
    }
    run_program(hart, program, Where::bare, false, 0);
}

/// Reads all over RAM, and writes where nothing of the guest's lies: what is not there yet is made
/// to be.
void touch_ram(Random& random) {
    const auto free = reinterpret_cast<std::uint64_t>(__image_end);
    constexpr std::uint64_t ram = 0x8000'0000, spare = 0x1'0000;
    for (std::uint64_t left = 1 + random.below(32); left > 0; --left) {
        const std::uint64_t read = ram + random.below((machine.ram_end - ram) / 8) * 8;
        const std::uint64_t value = *reinterpret_cast<volatile std::uint64_t*>(read);
        const std::uint64_t room = machine.ram_end - spare - free;
        *reinterpret_cast<volatile std::uint64_t*>(free + random.below(room / 8) * 8) = value;
    }
}

}  // namespace

void flood(std::size_t hart, Random& random) {
    switch (random.below(16)) {
        case 0: return flood_console(hart, random);
        case 1:
        case 2:
        case 3:
        case 4: return flood_with_timers(hart, random);
        case 5:
        case 6:
        case 7: return flood_with_sleeps(hart, random);
        case 8:
        case 9:
        case 10:
        case 11: return rewrite_code(hart, random);
        default: return touch_ram(random);
    }
}

}  // namespace cairn::guest::hostile
