// SPDX-License-Identifier: MIT
// The UART in loopback, and what its modem inputs do there.
#include "kernel/dev/uart16550.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/uart_fixture.hpp"

using namespace cairn;
using enum uart16550::Register;
using test::UartBench;

namespace {

constexpr unsigned fifo_on = 0x01;  // trigger level 1
constexpr unsigned enable_tx = 0x02;
constexpr unsigned enable_line = 0x04;
constexpr unsigned enable_modem = 0x08;
constexpr unsigned loop = 0x10;

}  // namespace

TEST_CASE("loopback connects the transmitter to the receiver only", "[uart16550_loopback]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(mcr, loop);
    bench.out(thr, 'a');
    bench.type("typed");  // waits: the line is disconnected
    bench.out(thr, 'b');
    CHECK(bench.drain() == "ab");
    CHECK(bench.screen.text.empty());
    bench.out(mcr, 0);
    CHECK(bench.drain() == "typed");
}

TEST_CASE("loopback overruns keep the FIFO and replace the 16450's byte", "[uart16550_loopback]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_line);
    bench.out(mcr, loop);
    for (unsigned i = 0; i < 17; ++i)
        bench.out(thr, 'a' + i);
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0xc6);
    CHECK(bench.in(lsr) == 0x63);
    CHECK(bench.in(lsr) == 0x61);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.drain() == "abcdefghijklmnop");

    bench.out(fcr, 0);
    bench.out(thr, 'x');
    bench.out(thr, 'y');
    CHECK(bench.in(lsr) == 0x63);
    CHECK(bench.in(rbr) == 'y');
}

TEST_CASE("loopback shows the modem outputs as inputs, with deltas", "[uart16550_loopback]") {
    UartBench bench;
    CHECK(bench.in(msr) == 0xb0);
    bench.out(mcr, loop);
    CHECK(bench.in(msr) == 0x0b);  // CTS, DSR and DCD fell
    CHECK(bench.in(msr) == 0x00);
    bench.out(mcr, loop | 0x02);
    CHECK(bench.in(msr) == 0x11);  // RTS is CTS
    bench.out(mcr, loop | 0x01);
    CHECK(bench.in(msr) == 0x23);  // DTR is DSR; CTS fell
    bench.out(mcr, loop | 0x04);
    CHECK(bench.in(msr) == 0x42);  // OUT1 is RI, whose rise is no event
    bench.out(mcr, loop | 0x08);
    CHECK(bench.in(msr) == 0x8c);  // OUT2 is DCD; RI fell
}

TEST_CASE("modem deltas interrupt with the lowest priority", "[uart16550_loopback]") {
    UartBench bench;
    bench.out(ier, enable_modem | enable_tx);
    CHECK(bench.in(iir) == 0x02);
    CHECK_FALSE(bench.wire.up);
    bench.out(mcr, loop);
    CHECK(bench.wire.up);
    bench.out(thr, 0);
    CHECK(bench.in(iir) == 0x02);
    CHECK(bench.in(iir) == 0x00);
    CHECK(bench.wire.up);
    static_cast<void>(bench.in(msr));
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(iir) == 0x01);
}
