// SPDX-License-Identifier: MIT
#include "kernel/vm/vm.hpp"

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t vseip = 1 << 10;
constexpr std::uint64_t plic_base = 0x0c00'0000;
constexpr std::uint64_t uart_base = 0x1000'0000;
constexpr std::uint64_t test_base = 0x0010'0000;
constexpr std::uint64_t uart_irq = 10;
constexpr std::uint64_t claim = plic_base + 0x20'1004;  // of context 1, hart 0 in S-mode

void write32(GuestBench& bench, std::uint64_t at, std::uint64_t value) {
    REQUIRE(bench.vm.bus().write(GuestPhys{at}, AccessWidth::word, value));
}
std::uint64_t read32(GuestBench& bench, std::uint64_t at) {
    return bench.vm.bus().read(GuestPhys{at}, AccessWidth::word).value();
}

/// As a driver sets it up: the UART's received-data interrupt, for hart 0 in S-mode.
void enable_uart_interrupt(GuestBench& bench) {
    write32(bench, plic_base + 4 * uart_irq, 1);
    write32(bench, plic_base + 0x2080, 1 << uart_irq);
    REQUIRE(bench.vm.bus().write(GuestPhys{uart_base + 1}, AccessWidth::byte, 1));
}

}  // namespace

TEST_CASE("console input interrupts the guest through UART and PLIC", "[vm]") {
    GuestBench bench;
    enable_uart_interrupt(bench);
    CHECK(csr_read<Csr::hvip>() == 0);
    bench.type("x");
    CHECK(csr_read<Csr::hvip>() == vseip);
    CHECK(read32(bench, claim) == uart_irq);
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(bench.vm.bus().read(GuestPhys{uart_base}, AccessWidth::byte) == 'x');
    write32(bench, claim, uart_irq);
    CHECK(csr_read<Csr::hvip>() == 0);
    bench.type("y");
    CHECK(csr_read<Csr::hvip>() == vseip);
}

TEST_CASE("the UART transmits to the console", "[vm]") {
    GuestBench bench;
    for (const char c : std::string_view("hi\n")) {
        REQUIRE(bench.vm.bus().write(GuestPhys{uart_base}, AccessWidth::byte,
                                     static_cast<unsigned char>(c)));
    }
    CHECK(bench.console.text == "hi\n");
}

TEST_CASE("the test device ends the run through the bus", "[vm]") {
    struct Row {
        std::uint64_t word;
        StopReason reason;
    };
    for (const auto& [word, reason] :
         {Row{0x5555, StopReason::power_off}, Row{0x0007'3333, StopReason::failed},
          Row{0x7777, StopReason::reset}}) {
        GuestBench bench;
        CHECK(!bench.vm.stopped());
        write32(bench, test_base, 0x1234);
        CHECK(!bench.vm.stopped());
        write32(bench, test_base, word);
        CHECK(bench.vm.stopped() == reason);
        write32(bench, test_base, 0x5555);
        CHECK(bench.vm.stopped() == reason);  // the first one counts
    }
}

TEST_CASE("nothing but the devices of the map answers", "[vm]") {
    GuestBench bench;
    CHECK(bench.vm.bus().size() == 3 + 8);
    for (const std::uint64_t at :
         {0x0ull, 0xf'fffcull, 0x10'1000ull, 0xbff'fffcull, 0xc60'0000ull, 0x1000'0100ull,
          0x1000'1200ull, 0x1000'1ffcull, 0x1000'8200ull, 0x1000'9000ull, 0x7fff'fffcull,
          0x8000'0000ull, 0xffff'ffff'ffff'fffcull}) {
        CHECK(bench.vm.bus().read(GuestPhys{at}, AccessWidth::word) ==
              std::unexpected(BusError::unmapped));
    }
}

TEST_CASE("every virtio slot is there, and empty", "[vm]") {
    GuestBench bench;
    for (std::uint64_t at = 0x1000'1000; at < 0x1000'9000; at += 0x1000) {
        CHECK(bench.vm.bus().read(GuestPhys{at}, AccessWidth::word) == 0x7472'6976u);
        CHECK(bench.vm.bus().read(GuestPhys{at + 8}, AccessWidth::word) == 0u);
    }
}

TEST_CASE("reset: devices as after power-on, no reason to stop", "[vm]") {
    GuestBench bench;
    enable_uart_interrupt(bench);
    bench.type("x");
    bench.vm.stop(StopReason::reset);
    while (bench.vm.may_complain()) {
    }
    bench.vm.reset_devices();
    CHECK(!bench.vm.stopped());
    CHECK_FALSE(bench.vm.may_complain());  // resets are no way to flood the log
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(!bench.vm.uart().take_input());
    CHECK(read32(bench, plic_base + 4 * uart_irq) == 0);
    CHECK(read32(bench, plic_base + 0x2080) == 0);
    CHECK(bench.vm.bus().read(GuestPhys{uart_base + 1}, AccessWidth::byte) == 0);
    bench.vm.stop(StopReason::killed);
    CHECK(bench.vm.stopped() == StopReason::killed);
}

TEST_CASE("a guest cannot flood the log", "[vm]") {
    GuestBench bench;
    unsigned complaints = 0;
    for (unsigned n = 0; n < 1000; ++n) {
        if (bench.vm.may_complain()) ++complaints;
    }
    CHECK(complaints == 16);
}

TEST_CASE("each vCPU has a context of the PLIC; another hart's line is a request", "[vm]") {
    GuestBench bench({}, 2);
    bench.run(1);
    write32(bench, plic_base + 4 * uart_irq, 1);
    write32(bench, plic_base + 0x2180, 1 << uart_irq);  // context 3: hart 1 in S-mode
    REQUIRE(bench.vm.bus().write(GuestPhys{uart_base + 1}, AccessWidth::byte, 1));
    fake_sbi_calls.clear();
    bench.type("x");
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::ipi, 0, {1, 1}}});
    bench.answer_on(1);
    CHECK(csr_read<Csr::hvip>() == vseip);
    CHECK(read32(bench, claim) == 0);  // not hart 0's
    CHECK(read32(bench, claim + 0x2000) == uart_irq);
    bench.answer_on(1);
    CHECK(csr_read<Csr::hvip>() == 0);
}

TEST_CASE("a stop interrupts the other harts, and all see it", "[vm]") {
    GuestBench bench({}, 3);
    const auto leave = [&](std::uint32_t hart) { return bench.vm.vcpu(hart).leaves_guest(); };
    CHECK((!leave(0) && !leave(1) && !leave(2)));
    bench.vm.stop(StopReason::reset);
    CHECK(fake_sbi_calls == std::vector<FakeSbiCall>{{SbiExtension::ipi, 0, {3, 1}}});
    CHECK((leave(0) && leave(1) && leave(2)));
    bench.vcpu().enter_next();
    CHECK(!leave(0));
}
