// SPDX-License-Identifier: MIT
// What a hart keeps while it is suspended, retentively: Cairn puts its state away meanwhile and
// clears the hart. It is suspended twice with new values, by an IPI that ends it at once and by a
// deadline, and once more with FP registers that it calls clean.
#include <array>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

extern "C" {
void fill_fp_registers(std::uint64_t base);
void store_fp_registers(std::uint64_t* registers);
void fill_vector_registers(std::uint64_t base);
void store_vector_registers(std::uint64_t (*registers)[2]);
void set_vstart(std::uint64_t value);
void store_vector_control(std::uint64_t* control);
}

namespace cairn::guest {
namespace {

constexpr std::uint64_t ticks = 20'000;             // 2 ms on QEMU's `virt`
constexpr std::uint64_t rounding_up = 0b011'00000;  // fcsr.frm
constexpr std::uint64_t pattern = 0x3ff0'1234'5678'0000;

bool has_vector = false;
volatile std::uint64_t timer_came_at = 0;

void note_timer(std::uint64_t) {
    timer_came_at = csr_read<Csr::time>();
    csr_clear<Csr::sie>(Sip::STIP::mask);
}

void fill(std::uint64_t seed) {
    csr_write<Csr::senvcfg>(1);  // FIOM
    csr_write<Csr::scounteren>(0b111 - seed % 2 * 0b100);
    csr_write<Csr::sscratch>(pattern + seed);
    csr_write<Csr::sepc>(pattern + 2 * seed);
    csr_write<Csr::stval>(pattern + 3 * seed);
    csr_write<Csr::scause>(seed);
    fill_fp_registers(pattern + seed);
    csr_write<Csr::fcsr>(rounding_up | seed);
    if (!has_vector) return;
    fill_vector_registers(pattern + seed);
    csr_write<Csr::vcsr>(0b100 | seed % 2);
    set_vstart(1);
}

void check_vector_registers(std::uint64_t seed) {
    std::uint64_t control[3] = {};
    store_vector_control(control);
    check(control[0] == 1, "vstart is kept");
    check(control[1] == 2, "vl is kept");
    check(control[2] == 0b11'011'000, "vtype is kept");  // e64, m1, ta, ma
    check(csr_read<Csr::vcsr>() == (0b100 | seed % 2), "vcsr is kept");
    std::uint64_t registers[32][2] = {};
    store_vector_registers(registers);
    for (std::size_t i = 0; i < 32; ++i)
        check(registers[i][0] == pattern + seed + i && registers[i][1] == registers[i][0],
              "the vector registers are kept");
}

void check_kept(std::uint64_t seed) {
    check(csr_read<Csr::senvcfg>() == 1, "senvcfg is kept");
    check(csr_read<Csr::scounteren>() == 0b111 - seed % 2 * 0b100, "scounteren is kept");
    check(csr_read<Csr::sscratch>() == pattern + seed, "sscratch is kept");
    check(csr_read<Csr::sepc>() == pattern + 2 * seed, "sepc is kept");
    check(csr_read<Csr::stval>() == pattern + 3 * seed, "stval is kept");
    check(csr_read<Csr::scause>() == seed, "scause is kept");
    check(csr_read<Csr::fcsr>() == (rounding_up | seed), "fcsr is kept");
    std::array<std::uint64_t, 32> registers{};
    store_fp_registers(registers.data());
    for (std::size_t i = 0; i < 32; ++i)
        check(registers[i] == pattern + seed + i, "the FP registers are kept");
    if (has_vector) check_vector_registers(seed);
}

void suspend() {
    check(sbi_call(SbiExtension::hsm, SbiHsm::hart_suspend, 0u, 0u, 0u).ok(), "it is suspended");
}

bool software_interrupt_is_pending() {
    return (csr_read<Csr::sip>() & Sip::SSIP::mask) != 0;
}

std::uint64_t arm_timer() {
    const std::uint64_t deadline = csr_read<Csr::time>() + ticks;
    sbi_call(SbiExtension::time, SbiTime::set_timer, deadline);
    return deadline;
}

/// The timer's interrupt is taken, not before `deadline`.
void check_timer(std::uint64_t deadline, std::string_view what) {
    timer_came_at = 0;
    csr_write<Csr::sie>(Sip::STIP::mask);
    csr_set<Csr::sstatus>(Sstatus::SIE::mask);
    while (timer_came_at == 0)
        asm volatile("wfi");
    csr_clear<Csr::sstatus>(Sstatus::SIE::mask);
    check(timer_came_at >= deadline, what);
}

}  // namespace

void check_suspend(bool with_vector) {
    has_vector = with_vector;
    interrupt_handler = note_timer;
    const std::uint64_t scratch = csr_read<Csr::sscratch>();

    std::uint64_t deadline = arm_timer();
    csr_set<Csr::sip>(Sip::SSIP::mask);
    csr_write<Csr::sie>(Sip::SSIP::mask);
    fill(1);
    suspend();
    check_kept(1);
    check(software_interrupt_is_pending(), "a software interrupt is kept");
    check_timer(deadline, "a deadline is kept");

    deadline = arm_timer();
    csr_write<Csr::sie>(Sip::STIP::mask);  // the software interrupt does not wake it any more
    fill(2);
    suspend();
    check(csr_read<Csr::time>() >= deadline, "it sleeps until the deadline");
    check_kept(2);
    check(software_interrupt_is_pending(), "a software interrupt is kept again");

    deadline = arm_timer();
    fill(3);
    csr_clear<Csr::sstatus>(Sstatus::FS::of(ExtensionState::initial));  // dirty to clean
    suspend();
    check_kept(3);
    csr_write<Csr::sie>(0);
    csr_write<Csr::sip>(0);
    csr_write<Csr::sscratch>(scratch);
    check_timer(deadline, "a timer interrupt that was pending is kept");
    println("suspended three times");
}

}  // namespace cairn::guest
