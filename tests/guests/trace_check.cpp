// SPDX-License-Identifier: MIT
// Leaves itself in a way that tests/qemu/test_trace.py knows: between two calls that mark it, each
// round has the exits that the world switch answers by itself, and accesses to two devices. Then
// it spins for ever.
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t begin_mark = 0x1111;
constexpr std::uint64_t end_mark = 0x2222;
constexpr std::uint64_t rounds = 4;
constexpr std::uint64_t never = ~std::uint64_t{0};
constexpr std::uint64_t uart_thr = 0x1000'0000;
constexpr std::uint64_t uart_lsr = 0x1000'0005;
constexpr std::uint64_t plic_priority = 0x0c00'0028;  // of the UART's source

void mark(std::uint64_t which) {
    sbi_call(SbiExtension::base, SbiBase::probe_extension, which);
}

void leave_in_all_ways(std::uint64_t round) {
    sbi_call(SbiExtension::base, SbiBase::get_spec_version);
    sbi_call(SbiExtension::time, SbiTime::set_timer, never - round);
    sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, 1u, 0u);
    *reinterpret_cast<volatile std::uint8_t*>(uart_thr) = static_cast<std::uint8_t>('a' + round);
    (void)*reinterpret_cast<volatile std::uint8_t*>(uart_lsr);
    *reinterpret_cast<volatile std::uint32_t*>(plic_priority) =
        static_cast<std::uint32_t>(round + 1);
}

}  // namespace

void run(std::string_view) {
    csr_write<Csr::sie>(0);
    mark(begin_mark);
    for (std::uint64_t round = 0; round < rounds; ++round)
        leave_in_all_ways(round);
    mark(end_mark);
    println("trace_check: done");
    // Where time counts instructions, it would fly while the guest sleeps, and the host's ticks.
    for (;;)
        asm volatile("" : : : "memory");
}

}  // namespace cairn::guest
