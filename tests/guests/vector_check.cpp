// SPDX-License-Identifier: MIT
// The guest's vector state: zero at the start, and kept over every kind of exit.
#include <array>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

extern "C" {
void fill_vector_registers(std::uint64_t base);
void store_vector_registers(std::uint64_t (*registers)[2]);
}

namespace cairn::guest {
namespace {

constexpr std::uint64_t pattern = 0x0123'4567'89ab'0000;
constexpr std::uint64_t rounding_down = 0b10'0;  // vcsr.vxrm

bool registers_are(std::uint64_t base, std::uint64_t step) {
    std::uint64_t registers[32][2] = {};
    store_vector_registers(registers);
    for (std::size_t i = 0; i < 32; ++i) {
        if (registers[i][0] != base + i * step || registers[i][1] != base + i * step) return false;
    }
    return true;
}

}  // namespace

void check_vector() {
    csr_clear<Csr::sstatus>(Sstatus::VS::mask);
    csr_set<Csr::sstatus>(Sstatus::VS::of(ExtensionState::initial));
    check(csr_read<Csr::vtype>() >> 63 == 1, "vtype starts as illegal");
    check(registers_are(0, 0), "the registers start as zero");
    check(csr_read<Csr::vcsr>() == 0, "vcsr starts as zero");
    fill_vector_registers(pattern);
    csr_write<Csr::vcsr>(rounding_down);
    check(Sstatus::VS::get(csr_read<Csr::sstatus>()) == ExtensionState::dirty, "writes show in VS");
    exit_in_every_way();
    check(registers_are(pattern, 1), "the registers are kept over exits");
    check(csr_read<Csr::vcsr>() == rounding_down, "vcsr is kept over exits");
    println("vlenb {}", csr_read<Csr::vlenb>());
}

}  // namespace cairn::guest
