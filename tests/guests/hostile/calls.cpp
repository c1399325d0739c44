// SPDX-License-Identifier: MIT
#include "tests/guests/hostile/calls.hpp"

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/hostile/actions.hpp"
#include "tests/guests/hostile/cell.hpp"

extern "C" void hostile_entry();

namespace cairn::guest::hostile {
namespace {

constexpr unsigned a0 = 10, a1 = 11, a6 = 16, a7 = 17;
constexpr std::uint64_t ram_base = 0x8000'0000;
constexpr std::uint64_t timer_enabled = 1u << 5;

/// A number, or an address where a call may write without harm.
std::uint64_t argument(std::size_t hart, Random& random) {
    constexpr std::uint64_t spare = 0x1'0000;
    const std::uint64_t data = data_of(hart, Where::bare);
    switch (random.below(6)) {
        case 0: return data + random.below(data_size / 64) * 64;
        case 1: return data + random.below(data_size);
        case 2: return machine.ram_end - 64 + random.below(5) * 32;
        default: break;
    }
    const std::uint64_t value = random.number();
    const bool is_dear = value >= ram_base + spare && value < machine.ram_end - spare;
    return is_dear ? data : value;
}

bool is_legacy(std::uint64_t extension) {
    return extension <= static_cast<std::uint64_t>(SbiExtension::legacy_shutdown);
}

/// Makes the call in the registers of the hart's cell. All but a0 and a1 are kept, and a0 is an
/// error of the specification.
void call(std::size_t hart) {
    constexpr std::uint32_t ecall = 0x73;
    Cell& cell = cell_of(hart);
    const std::array before = cell.x;
    Program program;
    program.add32(ecall);
    run_program(hart, program, Where::bare, false, 0);
    for (unsigned reg = 1; reg < before.size(); ++reg) {
        if (reg != a0 && reg != a1 && cell.x[reg] != before[reg])
            fail("an SBI call has changed a register");
    }
    if (is_legacy(before[a7])) return;
    const auto error = static_cast<std::int64_t>(cell.x[a0]);
    if (error > 0 || error < static_cast<std::int64_t>(SbiError::denied_locked))
        fail("an SBI call answers with no error of the specification");
}

std::uint64_t any_extension(Random& random) {
    constexpr auto number = [](SbiExtension extension) {
        return static_cast<std::uint64_t>(extension);
    };
    constexpr std::array extensions{
        number(SbiExtension::base),   number(SbiExtension::time), number(SbiExtension::ipi),
        number(SbiExtension::rfence), number(SbiExtension::pmu),  number(SbiExtension::pmu),
        number(SbiExtension::dbcn),   number(SbiExtension::sta),  number(SbiExtension::fwft),
        number(SbiExtension::srst),   number(SbiExtension::nacl), number(SbiExtension::sse),
        number(SbiExtension::cppc),   number(SbiExtension::dbtr), number(SbiExtension::mpxy)};
    if (random.one_in(8)) return random.below(8);  // legacy, but for the shutdown
    if (random.one_in(8)) return random.next() | 1ull << 33;
    return random.one_of(extensions);
}

}  // namespace

void call_anything(std::size_t hart, Random& random) {
    Cell& cell = cell_of(hart);
    for (std::uint64_t& x : cell.x)
        x = random.next();
    for (unsigned reg = a0; reg < a6; ++reg)
        cell.x[reg] = argument(hart, random);
    cell.x[a7] = any_extension(random);
    cell.x[a6] = random.one_in(16) ? random.number() : random.below(10);
    if (cell.x[a7] == static_cast<std::uint64_t>(SbiExtension::srst))
        cell.x[a0] |= 1u << 20;  // a type of reset that there is not
    if (cell.x[a7] == static_cast<std::uint64_t>(SbiExtension::dbcn) && !random.one_in(8))
        cell.x[a0] %= 33;  // the console is slow
    call(hart);
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
}

void storm(std::size_t hart, Random& random) {
    Cell& cell = cell_of(hart);
    for (std::size_t left = 1 + random.below(24); left > 0; --left) {
        for (unsigned reg = a0; reg < a6; ++reg)
            cell.x[reg] = random.number();
        cell.x[a0] = random.below(1ull << machine.harts);
        cell.x[a1] = random.one_in(8) ? ~0ull : 0;
        const bool fence = random.one_in(2);
        cell.x[a7] = static_cast<std::uint64_t>(fence ? SbiExtension::rfence : SbiExtension::ipi);
        cell.x[a6] = fence ? random.below(3) : 0;
        call(hart);
    }
}

void call_harts(std::size_t hart, Random& random) {
    Cell& cell = cell_of(hart);
    const auto entry = reinterpret_cast<std::uint64_t>(hostile_entry);
    const std::array places{entry, entry, entry, entry | 1, machine.ram_end, std::uint64_t{0}};
    cell.x.fill(random.next());
    cell.x[a0] = random.one_in(4) ? random.number() : random.below(machine.harts + 1);
    cell.x[a1] = random.one_of(places);
    const bool system = random.one_in(6);
    cell.x[a7] = static_cast<std::uint64_t>(system ? SbiExtension::susp : SbiExtension::hsm);
    cell.x[a6] = system ? 0 : random.below(5);
    const auto function = static_cast<SbiHsm>(cell.x[a6]);
    if (system) cell.x[a0] = random.one_in(2) ? 0 : random.number();
    if (!system && function == SbiHsm::hart_stop && hart == machine.boot_hart) return;
    if (!system && function == SbiHsm::hart_suspend)
        cell.x[a0] = random.one_in(4) ? random.number() : random.below(2) << 31;
    sbi_call(SbiExtension::time, SbiTime::set_timer, csr_read<Csr::time>() + random.below(1000));
    csr_write<Csr::sie>(timer_enabled);
    call(hart);
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
}

}  // namespace cairn::guest::hostile
