// SPDX-License-Identifier: MIT
// The guest's floating-point state: zero at the start, and kept over every kind of exit.
#include <array>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

extern "C" {
void fill_fp_registers(std::uint64_t base);
void store_fp_registers(std::uint64_t* registers);
}

namespace cairn::guest {
namespace {

constexpr std::uint64_t pattern = 0x3ff0'1234'5678'9a00;
constexpr std::uint64_t rounding_down = 0b010'00000;  // fcsr.frm

bool registers_are(std::uint64_t base, std::uint64_t step) {
    std::array<std::uint64_t, 32> registers{};
    store_fp_registers(registers.data());
    for (std::size_t i = 0; i < registers.size(); ++i) {
        if (registers[i] != base + i * step) return false;
    }
    return true;
}

}  // namespace

void exit_in_every_way() {
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
    sbi_call(SbiExtension::base, SbiBase::probe_extension, SbiExtension::dbcn);
    sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 1u, 0u, 0u, 0u);
    uart_put('f');
    uart_put('\n');
    (void)*reinterpret_cast<volatile std::uint32_t*>(std::uint64_t{0x1800'0000});  // faults
}

void check_entry() {
    const std::uint64_t status = csr_read<Csr::sstatus>();
    println("FS {}, VS {}", static_cast<unsigned>(Sstatus::FS::get(status)),
            static_cast<unsigned>(Sstatus::VS::get(status)));
}

void check_fp() {
    csr_clear<Csr::sstatus>(Sstatus::FS::mask);
    csr_set<Csr::sstatus>(Sstatus::FS::of(ExtensionState::initial));
    check(registers_are(0, 0), "the registers start as zero");
    check(csr_read<Csr::fcsr>() == 0, "fcsr starts as zero");
    fill_fp_registers(pattern);
    csr_write<Csr::fcsr>(rounding_down);
    check(Sstatus::FS::get(csr_read<Csr::sstatus>()) == ExtensionState::dirty, "writes show in FS");
    exit_in_every_way();
    check(registers_are(pattern, 1), "the registers are kept over exits");
    check(csr_read<Csr::fcsr>() == rounding_down, "fcsr is kept over exits");
}

}  // namespace cairn::guest
