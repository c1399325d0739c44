// SPDX-License-Identifier: MIT
#include "kernel/dev/uart16550.hpp"

#include <string>

#include "tests/unit/catch.hpp"
#include "tests/unit/uart_fixture.hpp"

using namespace cairn;
using enum uart16550::Register;
using test::UartBench;

namespace {

constexpr unsigned fifo_on = 0x01;         // trigger level 1
constexpr unsigned fifo_trigger_8 = 0x81;  // trigger level 8
constexpr unsigned enable_rx = 0x01;
constexpr unsigned enable_tx = 0x02;
constexpr unsigned enable_modem = 0x08;
constexpr unsigned dlab = 0x80;

}  // namespace

TEST_CASE("the power-on state is the data sheet's", "[uart16550]") {
    // PC16550D, Table 1 (reset configuration).
    UartBench bench;
    CHECK(bench.in(ier) == 0x00);
    CHECK(bench.in(iir) == 0x01);
    CHECK(bench.in(lcr) == 0x00);
    CHECK(bench.in(mcr) == 0x00);
    CHECK(bench.in(lsr) == 0x60);
    CHECK((bench.in(msr) & 0x0f) == 0x00);
    CHECK(bench.in(rbr) == 0x00);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("what is written to THR is transmitted at once", "[uart16550]") {
    UartBench bench;
    for (const char c : std::string_view("cairn")) {
        CHECK((bench.in(lsr) & 0x60) == 0x60);
        bench.out(thr, static_cast<unsigned char>(c));
    }
    CHECK(bench.screen.text == "cairn");
}

TEST_CASE("a byte is written, whatever else is in the register it came from", "[uart16550]") {
    UartBench bench;
    bench.out(thr, 0xffff'ff41);
    bench.out(scr, 0x1a5);
    CHECK(bench.screen.text == "A");
    CHECK(bench.in(scr) == 0xa5);
}

TEST_CASE("only bytes, only eight registers", "[uart16550]") {
    UartBench bench;
    for (const AccessWidth width : {AccessWidth::half, AccessWidth::word, AccessWidth::dword}) {
        CHECK(bench.uart.read(0, width).error() == BusError::width);
        CHECK(bench.uart.write(0, width, 'x').error() == BusError::width);
    }
    for (const std::uint64_t offset : {std::uint64_t{8}, std::uint64_t{0xff}, ~std::uint64_t{0}}) {
        CHECK(bench.uart.read(offset, AccessWidth::byte).error() == BusError::unmapped);
        CHECK(bench.uart.write(offset, AccessWidth::byte, 0).error() == BusError::unmapped);
    }
    CHECK(bench.screen.text.empty());
}

TEST_CASE("registers keep their writable bits", "[uart16550]") {
    UartBench bench;
    bench.out(ier, 0xff);
    bench.out(mcr, 0xef);
    bench.out(scr, 0xa5);
    CHECK(bench.in(ier) == 0x0f);
    CHECK(bench.in(mcr) == 0x0f);
    CHECK(bench.in(scr) == 0xa5);
    bench.out(lcr, 0x7f);
    CHECK(bench.in(lcr) == 0x7f);
    bench.out(lsr, 0xff);
    CHECK(bench.in(lsr) == 0x60);
}

TEST_CASE("DLAB turns registers 0 and 1 into the divisor latch", "[uart16550]") {
    UartBench bench;
    bench.out(ier, enable_modem);
    bench.out(lcr, dlab | 3);
    bench.out(dll, 0x34);
    bench.out(dlm, 0x12);
    CHECK(bench.in(dll) == 0x34);
    CHECK(bench.in(dlm) == 0x12);
    CHECK(bench.screen.text.empty());
    bench.out(lcr, 3);
    CHECK(bench.in(ier) == enable_modem);
    bench.type("k");
    CHECK(bench.in(rbr) == 'k');
}

TEST_CASE("input arrives in order and is signalled", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_rx);
    CHECK_FALSE(bench.wire.up);
    bench.type("ls\n");
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0xc4);
    CHECK(bench.drain() == "ls\n");
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(iir) == 0xc1);
}

TEST_CASE("input that was there first is signalled when the interrupt is enabled", "[uart16550]") {
    UartBench bench;
    bench.type("x");
    CHECK_FALSE(bench.wire.up);
    bench.out(ier, enable_rx);
    CHECK(bench.wire.up);
    bench.out(ier, 0);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("characters below the trigger level are a timeout", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_trigger_8);
    bench.out(ier, enable_rx);
    bench.type("1234567");
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0xcc);
    bench.type("8");
    CHECK(bench.in(iir) == 0xc4);
    CHECK(bench.in(rbr) == '1');
    CHECK(bench.in(iir) == 0xcc);
    CHECK(bench.drain() == "2345678");
    CHECK(bench.in(iir) == 0xc1);
}

TEST_CASE("every trigger level is as the data sheet says", "[uart16550]") {
    const std::pair<unsigned, std::size_t> levels[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
    for (const auto& [control, level] : levels) {
        UartBench bench;
        bench.out(fcr, control);
        bench.out(ier, enable_rx);
        bench.type(std::string(level - 1, 'x'));
        CHECK(bench.in(iir) == (level == 1 ? 0xc1 : 0xcc));
        bench.type("x");
        CHECK(bench.in(iir) == 0xc4);
    }
}

TEST_CASE("without FIFOs it is a 16450, and still loses nothing", "[uart16550]") {
    UartBench bench;
    bench.out(ier, enable_rx);
    bench.type("abc");
    CHECK(bench.in(iir) == 0x04);
    CHECK(bench.drain() == "abc");
    CHECK(bench.in(iir) == 0x01);
}

TEST_CASE("a burst of input stays with its source until the guest reads", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    std::string burst;
    for (std::size_t i = 0; i < 6000; ++i)
        burst.push_back(static_cast<char>('a' + i % 26));
    bench.type(burst);
    CHECK(bench.keyboard.waiting() == burst.size() - uart16550::fifo_depth);
    CHECK(bench.keyboard.found_empty == 0);
    CHECK(bench.drain() == burst);
    CHECK(bench.keyboard.found_empty == 1);  // from here on it tells of what comes
    CHECK((bench.in(lsr) & 0x02) == 0);
}

TEST_CASE("a source that has said nothing is not asked", "[uart16550]") {
    UartBench bench;
    bench.keyboard.type("x");
    CHECK(bench.drain().empty());
    bench.uart.input_arrived();
    CHECK(bench.drain() == "x");
    bench.keyboard.type("y");
    CHECK(bench.drain().empty());
    bench.type("z");
    CHECK(bench.drain() == "yz");
    CHECK(bench.keyboard.found_empty == 2);
}

TEST_CASE("a receiver reset empties the FIFO, and the sender's rest follows", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.type("0123456789abcdefgh");
    bench.out(fcr, fifo_on | 0x02);
    CHECK(bench.drain() == "gh");
    bench.type("xy");
    bench.out(fcr, 0x00);  // switching the FIFOs off clears them too
    CHECK(bench.drain().empty());
    CHECK(bench.in(iir) == 0x01);
    bench.type("z");
    bench.out(fcr, 0xc2);  // no enable bit: the reset and the level are not programmed
    CHECK(bench.drain() == "z");
}

TEST_CASE("THRE is raised by enabling it and by writing, and reset by IIR", "[uart16550]") {
    UartBench bench;
    bench.out(ier, enable_tx);
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0x02);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(iir) == 0x01);

    bench.out(thr, 'a');
    CHECK(bench.wire.up);
    CHECK(bench.in(iir) == 0x02);
    CHECK_FALSE(bench.wire.up);

    bench.out(ier, enable_tx);  // was enabled already: nothing new
    CHECK_FALSE(bench.wire.up);
    bench.out(ier, 0);
    bench.out(ier, enable_tx);
    CHECK(bench.wire.up);
    bench.out(ier, 0);
    CHECK_FALSE(bench.wire.up);
}

TEST_CASE("an IIR read that reports another source leaves THRE pending", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_rx | enable_tx);
    bench.type("q");
    CHECK(bench.in(iir) == 0xc4);
    CHECK(bench.in(iir) == 0xc4);
    CHECK(bench.in(rbr) == 'q');
    CHECK(bench.in(iir) == 0xc2);
    CHECK(bench.in(iir) == 0xc1);
}

TEST_CASE("the wire is driven only when its level changes", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, enable_rx);
    bench.type("abc");
    bench.type("def");
    CHECK(bench.drain() == "abcdef");
    CHECK(bench.wire.calls == 2);
}

TEST_CASE("reset is power-on", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.out(ier, 0x0f);
    bench.out(scr, 0x55);
    bench.type(std::string(16, 'x'));
    CHECK(bench.wire.up);
    bench.uart.reset();
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.in(iir) == 0x01);
    CHECK(bench.in(scr) == 0x00);
    CHECK(bench.in(lsr) == 0x60);
}

TEST_CASE("a reset forgets the FIFO, and the sender's rest follows", "[uart16550]") {
    UartBench bench;
    bench.out(fcr, fifo_on);
    bench.type(std::string(16, 'x') + "rest");
    bench.uart.reset();
    CHECK(bench.drain() == "rest");
}
