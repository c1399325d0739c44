// SPDX-License-Identifier: MIT
// Breaks, framing and parity errors and overruns, as PC16550D's "Line Status Register" and Table 4
// have them.
#include "tests/unit/catch.hpp"
#include "tests/unit/uart_fixture.hpp"

using namespace cairn;
using enum uart16550::Register;
using test::UartBench;

namespace {

constexpr unsigned fifo_on = 0x01;  // trigger level 1
constexpr unsigned enable_rx = 0x01;
constexpr unsigned enable_line = 0x04;
constexpr unsigned oe = 0x02;
constexpr unsigned pe = 0x04;
constexpr unsigned fe = 0x08;
constexpr unsigned bi = 0x10;

}  // namespace

TEST_CASE("a break is a zero with BI, and interrupts before what it is", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_rx | enable_line);
    bench.type_faulty(0, bi);
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0xc6);
    CHECK(bench.in(lsr) == 0xf1);  // FIFO error, TEMT, THRE, BI, DR
    CHECK(bench.in(lsr) == 0x61);  // reading has reset it
    CHECK(bench.in(iir) == 0xc4);
    CHECK(bench.in(rbr) == 0);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(lsr) == 0x60);
}

TEST_CASE("every error shows and interrupts, alone and together", "[uart16550_errors]") {
    for (const unsigned errors : {oe, pe, fe, bi, pe | fe, bi | fe, oe | pe | fe | bi}) {
        UartBench bench;
        bench.out(fcr, fifo_on);
        bench.out(ier, enable_line);
        bench.type_faulty('e', errors);
        CHECK(bench.wire.up);
        CHECK(bench.in(iir) == 0xc6);
        const unsigned fifo_error = errors == oe ? 0 : 0x80;
        CHECK(bench.in(lsr) == (0x61 | errors | fifo_error));
        CHECK_FALSE(bench.wire.up);
        CHECK(bench.in(iir) == 0xc1);
        CHECK(bench.in(rbr) == 'e');
    }
}

TEST_CASE("errors show when their character is at the head of the FIFO", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_line);
    bench.type("a");
    bench.type_faulty('b', pe);
    bench.type("c");
    bench.type_faulty(0, bi);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(lsr) == 0xe1);  // one is somewhere in the FIFO
    CHECK(bench.in(lsr) == 0xe1);
    CHECK(bench.in(rbr) == 'a');
    CHECK(bench.wire.up);
    CHECK(bench.in(lsr) == (0xe1 | pe));
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(rbr) == 'b');
    CHECK(bench.in(lsr) == 0xe1);
    CHECK(bench.in(rbr) == 'c');
    CHECK(bench.in(lsr) == (0xe1 | bi));
    CHECK(bench.in(lsr) == 0x61);
    CHECK(bench.in(rbr) == 0);
}

TEST_CASE("a character that is read takes its errors along", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_line);
    bench.type_faulty('x', fe);
    CHECK(bench.in(rbr) == 'x');
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(lsr) == 0x60);
}

TEST_CASE("an overrun shows until LSR is read, whatever is read before", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_line);
    bench.type_faulty('x', oe);
    CHECK(bench.in(rbr) == 'x');
    CHECK(bench.in(iir) == 0xc6);
    CHECK(bench.in(lsr) == (0x60 | oe));
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("without FIFOs bit 7 is 0", "[uart16550_errors]") {
    UartBench bench;
    bench.out(ier, enable_rx | enable_line);
    bench.type_faulty(0, bi);
    CHECK(bench.in(iir) == 0x06);
    CHECK(bench.in(lsr) == (0x61 | bi));
    CHECK(bench.in(iir) == 0x04);
}

TEST_CASE("errors come late with their characters", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.type("0123456789abcdef");
    bench.type_faulty(0, bi);
    CHECK(bench.in(lsr) == 0x61);
    CHECK(bench.in(rbr) == '0');
    CHECK(bench.in(lsr) == 0xe1);
    for (int i = 0; i < 15; ++i)
        static_cast<void>(bench.in(rbr));
    CHECK(bench.in(lsr) == (0xe1 | bi));
}

TEST_CASE("a cleared FIFO and a reset forget the errors of characters", "[uart16550_errors]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_line);
    bench.type_faulty('x', pe);
    bench.out(fcr, fifo_on | 0x02);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(lsr) == 0x60);
    bench.type_faulty('x', fe);
    bench.uart.reset();
    CHECK(bench.in(lsr) == 0x60);
    CHECK(bench.in(iir) == 0x01);
}

TEST_CASE("what reads input without a UART sees a break as a zero", "[uart16550_errors]") {
    UartBench bench;
    bench.type_faulty(0, bi);
    CHECK(bench.uart.take_input() == std::byte{0});
    CHECK(bench.in(lsr) == 0x60);
}
