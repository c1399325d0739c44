// SPDX-License-Identifier: MIT
// What drivers do to find out which UART they have, replayed access by access: Linux's 8250 driver
// (drivers/tty/serial/8250/8250_port.c; the function is named at each test), U-Boot's ns16550, and
// programs that only poll. Each test ends where the driver would decide "16550A with FIFOs".
#include <string>

#include "kernel/dev/uart16550.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/uart_fixture.hpp"

using namespace cairn;
using enum uart16550::Register;
using test::UartBench;

namespace {

// Register 2 under its name in UARTs with an Extended Features Register; this one has none.
constexpr auto efr = iir;
constexpr unsigned loop = 0x10;
constexpr unsigned mode_a = 0x80;  // LCR with the divisor latch open
constexpr unsigned mode_b = 0xbf;  // LCR that opens EFR where there is one

}  // namespace

TEST_CASE("autoconfig: there is a UART at all", "[uart16550_probe]") {
    UartBench bench;
    const unsigned saved = bench.in(ier);
    bench.out(ier, 0);
    CHECK((bench.in(ier) & 0x0f) == 0x00);
    bench.out(ier, 0x0f);
    CHECK((bench.in(ier) & 0x0f) == 0x0f);
    bench.out(ier, saved);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("autoconfig: loopback mirrors OUT2 and RTS into DCD and CTS", "[uart16550_probe]") {
    UartBench bench;
    const unsigned saved = bench.in(mcr);
    bench.out(mcr, loop | 0x0a);
    CHECK((bench.in(msr) & 0xf0) == 0x90);
    bench.out(mcr, saved);
    CHECK((bench.in(msr) & 0xf0) == 0xb0);
}

TEST_CASE("autoconfig: FCR makes IIR say 16550A", "[uart16550_probe]") {
    UartBench bench;
    bench.out(lcr, mode_b);
    bench.out(efr, 0);
    bench.out(lcr, 0);
    bench.out(fcr, 0x01);
    CHECK(bench.in(iir) >> 6 == 3);
}

TEST_CASE("autoconfig_8250: the scratch register exists", "[uart16550_probe]") {
    UartBench bench;
    const unsigned saved = bench.in(scr);
    bench.out(scr, 0xa5);
    CHECK(bench.in(scr) == 0xa5);
    bench.out(scr, 0x5a);
    CHECK(bench.in(scr) == 0x5a);
    bench.out(scr, saved);
}

TEST_CASE("autoconfig_16550a: no EFR behind either key", "[uart16550_probe]") {
    UartBench bench;
    bench.out(fcr, 0x01);
    bench.out(lcr, mode_a);
    CHECK(bench.in(efr) != 0);  // 0 would be an ST16C650
    bench.out(lcr, mode_b);
    CHECK(bench.in(efr) != 0);  // 0 would be a 16654, 16750 or XR17
}

TEST_CASE("autoconfig_16550a: no second bank as in NatSemi's super I/O", "[uart16550_probe]") {
    UartBench bench;
    bench.out(fcr, 0x01);
    bench.out(lcr, 0);
    const unsigned first_mcr = bench.in(mcr);
    bench.out(lcr, 0xe0);
    unsigned bank = bench.in(iir);
    REQUIRE(((bank ^ first_mcr) & loop) == 0);
    bench.out(lcr, 0);
    bench.out(mcr, first_mcr ^ loop);
    bench.out(lcr, 0xe0);
    bank = bench.in(iir);
    bench.out(lcr, 0);
    bench.out(mcr, first_mcr);
    CHECK(((bank ^ first_mcr) & loop) == 0);  // set would be an NS16550A with EXCR1
}

TEST_CASE("autoconfig_16550a: no 64-byte FIFO as in the TI 16750", "[uart16550_probe]") {
    UartBench bench;
    bench.out(lcr, 0);
    bench.out(fcr, 0x21);
    CHECK((bench.in(iir) & 0xe0) == 0xc0);
    bench.out(fcr, 0x01);
    bench.out(lcr, mode_a);
    bench.out(fcr, 0x21);
    CHECK((bench.in(iir) & 0xe0) == 0xc0);  // 0xe0 would be a 16750
    bench.out(fcr, 0x01);
    bench.out(lcr, 0);
}

TEST_CASE("autoconfig_16550a: no unit-enable bit as in the XScale", "[uart16550_probe]") {
    UartBench bench;
    const unsigned saved = bench.in(ier);
    bench.out(ier, saved & ~0x40u);
    CHECK((bench.in(ier) & 0x40) == 0);
    bench.out(ier, saved | 0x40);
    CHECK((bench.in(ier) & 0x40) == 0);
    bench.out(ier, saved);
}

TEST_CASE("size_fifo: 16 of 256 looped-back bytes arrive", "[uart16550_probe]") {
    UartBench bench;
    bench.type("typed while probing");
    const unsigned saved_lcr = bench.in(lcr);
    bench.out(lcr, 0);
    const unsigned saved_mcr = bench.in(mcr);
    bench.out(fcr, 0x07);
    bench.out(mcr, loop);
    static_cast<void>(bench.in(rbr));
    while ((bench.in(lsr) & 1) != 0)
        static_cast<void>(bench.in(rbr));
    bench.out(lcr, mode_a);
    const unsigned divisor = bench.in(dll) | static_cast<unsigned>(bench.in(dlm)) << 8;
    CHECK(divisor != 0);  // an early console divides by it
    bench.out(dll, 1);
    bench.out(dlm, 0);
    bench.out(lcr, 0x03);
    for (unsigned i = 0; i < 256; ++i)
        bench.out(thr, i);
    unsigned count = 0;
    while ((bench.in(lsr) & 1) != 0 && count < 256) {
        CHECK(bench.in(rbr) == count);
        ++count;
    }
    bench.out(mcr, saved_mcr);
    bench.out(lcr, saved_lcr);
    CHECK(count == 16);
    CHECK(bench.screen.text.empty());
}

TEST_CASE("startup: nothing is pending after the clearing reads", "[uart16550_probe]") {
    UartBench bench;
    bench.out(mcr, loop | 0x0a);
    bench.out(mcr, 0);
    bench.out(fcr, 0x01);
    bench.out(fcr, 0x07);
    bench.out(fcr, 0x00);
    CHECK(bench.in(lsr) != 0xff);  // 0xff would be "no UART here"
    static_cast<void>(bench.in(rbr));
    static_cast<void>(bench.in(iir));
    static_cast<void>(bench.in(msr));
    bench.out(ier, 0x0d);
    CHECK(bench.in(iir) == 0x01);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("startup: THRE is raised again each time it is enabled", "[uart16550_probe]") {
    // A UART that fails here gets UART_BUG_THRE and a polling timer.
    UartBench bench;
    REQUIRE((bench.in(lsr) & 0x20) != 0);
    bench.out(ier, 0x02);
    const unsigned first = bench.in(iir);
    bench.out(ier, 0x00);
    bench.out(ier, 0x02);
    const unsigned second = bench.in(iir);
    bench.out(ier, 0x00);
    CHECK((first & 1) == 0);
    CHECK((second & 1) == 0);
}

TEST_CASE("startup: an empty transmitter is signalled", "[uart16550_probe]") {
    // A UART that fails here gets UART_BUG_TXEN.
    UartBench bench;
    bench.out(ier, 0x02);
    const unsigned status = bench.in(lsr);
    const unsigned pending = bench.in(iir);
    bench.out(ier, 0x00);
    CHECK((status & 0x40) != 0);
    CHECK((pending & 1) == 0);
}

TEST_CASE("an interrupt-driven transfer ends with the wire low", "[uart16550_probe]") {
    // The handler's order: IIR, LSR, receive while DR, MSR, transmit up to 16 while there is text.
    UartBench bench;
    std::string outgoing = "the quick brown fox jumps over the lazy dog";
    const std::string expected = outgoing;
    std::string incoming;
    bench.out(fcr, 0x81);
    bench.out(ier, 0x07);
    bench.type("echo hello, world\n");
    int interrupts = 0;
    while (bench.wire.up && interrupts < 100) {
        ++interrupts;
        if ((bench.in(iir) & 1) != 0) continue;
        unsigned status = bench.in(lsr);
        while ((status & 1) != 0) {
            incoming.push_back(static_cast<char>(bench.in(rbr)));
            status = bench.in(lsr);
        }
        static_cast<void>(bench.in(msr));
        if ((status & 0x20) == 0) continue;
        for (unsigned i = 0; i < 16 && !outgoing.empty(); ++i) {
            bench.out(thr, static_cast<unsigned char>(outgoing.front()));
            outgoing.erase(0, 1);
        }
        if (outgoing.empty()) bench.out(ier, 0x05);
    }
    CHECK(bench.screen.text == expected);
    CHECK(incoming == "echo hello, world\n");
    CHECK_FALSE(bench.wire.up);
    CHECK(interrupts <= 5);
}

TEST_CASE("U-Boot's ns16550 initialises, prints and reads", "[uart16550_probe]") {
    UartBench bench;
    REQUIRE((bench.in(lsr) & 0x40) != 0);
    bench.out(ier, 0x00);
    bench.out(mcr, 0x03);
    bench.out(fcr, 0x07);
    bench.out(lcr, 0x03);
    bench.out(lcr, mode_a | 0x03);
    bench.out(dll, 2);
    bench.out(dlm, 0);
    bench.out(lcr, 0x03);
    for (const char c : std::string_view("=> ")) {
        REQUIRE((bench.in(lsr) & 0x20) != 0);
        bench.out(thr, static_cast<unsigned char>(c));
    }
    CHECK(bench.screen.text == "=> ");
    CHECK((bench.in(lsr) & 0x01) == 0);
    bench.type("y");
    REQUIRE((bench.in(lsr) & 0x01) != 0);
    CHECK(bench.in(rbr) == 'y');
}
