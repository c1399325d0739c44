// SPDX-License-Identifier: MIT
// Two harts of a guest that wake each other: an IPI, then wfi until the other's is there. Prints
// `figure ping-pong N.N`: instructions per round trip under QEMU's `-icount shift=0,sleep=off`,
// both harts' own included. Where they share one hart of the machine a round trip is two switches
// between vCPUs. Arguments: how many rounds, and what each of the two changes in a round: "fp", an
// FP register; "vector", a vector register; else nothing.
#include <array>
#include <charconv>

#include "kernel/arch/guest/hart_operations.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

extern "C" {
// ping_pong.S
using Ping = void(std::uint64_t rounds, std::uint64_t other_hart);
Ping ping_plain, ping_fp, ping_vector;
void pong_plain();
void pong_fp();
void pong_vector();
void handle_ping();
}

constexpr std::uint64_t instructions_per_tick = 100;

struct Kind {
    std::string_view name;
    Ping* ping;
    void (*pong)();
};
constexpr std::array kinds{Kind{"", ping_plain, pong_plain}, Kind{"fp", ping_fp, pong_fp},
                           Kind{"vector", ping_vector, pong_vector}};

const Kind& kind_of(std::string_view name) {
    for (const Kind& kind : kinds)
        if (kind.name == name) return kind;
    return kinds[0];
}

SbiResult hart_status(std::uint64_t hart) {
    return sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, hart);
}

/// Lets the other hart run.
void sleep_a_while() {
    csr_write<Csr::sie>(Sip::STIP::mask);
    sbi_call(SbiExtension::time, SbiTime::set_timer, csr_read<Csr::time>() + 1000);
    wait_for_interrupt();
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
    csr_write<Csr::sie>(0);
}

/// Starts the other of harts 0 and 1, which answers this one, and waits until it does; returns its
/// number.
std::uint64_t start_other(void (*pong)()) {
    constexpr auto started = static_cast<std::uint64_t>(SbiHartState::started);
    const std::uint64_t self = hart_status(0).value == started ? 0 : 1;
    sbi_call(SbiExtension::hsm, SbiHsm::hart_start, 1 - self, reinterpret_cast<std::uint64_t>(pong),
             self);
    while (hart_status(1 - self).value != started)
        sleep_a_while();
    return 1 - self;
}

}  // namespace

void run(std::string_view arguments) {
    std::uint64_t rounds = 1;
    const auto* const end = arguments.data() + arguments.size();
    const auto* const word = std::from_chars(arguments.data(), end, rounds).ptr;
    const Kind& kind = kind_of(word == end ? "" : std::string_view(word + 1, end));
    csr_set<Csr::sstatus>(Sstatus::FS::mask | Sstatus::VS::mask);
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(handle_ping));
    const std::uint64_t other = start_other(kind.pong);
    csr_write<Csr::sie>(Sip::SSIP::mask);
    kind.ping(10, other);
    const std::uint64_t start = csr_read<Csr::time>();
    kind.ping(rounds, other);
    const std::uint64_t tenths =
        (csr_read<Csr::time>() - start) * instructions_per_tick * 10 / rounds;
    println("figure ping-pong {}.{}", tenths / 10, tenths % 10);
}

}  // namespace cairn::guest
