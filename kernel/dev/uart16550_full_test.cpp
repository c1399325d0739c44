// SPDX-License-Identifier: MIT
// A UART whose sink is full: its transmitter is not empty until there is room.
#include "tests/unit/uart_fixture.hpp"

using namespace cairn;
using namespace cairn::test;
using uart16550::Register;

namespace {

constexpr unsigned transmitter = 0x60;  // THRE and TEMT
constexpr unsigned thr_interrupt = 0x02;
constexpr unsigned none = 0x01;

struct FullBench : UartBench {
    explicit FullBench(std::size_t room) {
        screen.room = room;
        screen.writer = &uart;
    }
    void print(std::string_view text) {
        for (const char letter : text)
            out(Register::thr, static_cast<unsigned char>(letter));
    }
    bool is_empty() { return (in(Register::lsr)&transmitter) == transmitter; }
    bool is_busy() { return (in(Register::lsr)&transmitter) == 0; }
    void make_room() {
        screen.room = std::string::npos;
        uart.input_arrived();
    }
};

}  // namespace

TEST_CASE("the transmitter is not empty while the sink is full", "[uart16550_full]") {
    FullBench bench(3);
    bench.print("ab");
    CHECK(bench.is_empty());
    bench.print("c");
    CHECK(bench.is_busy());
    bench.type("x");  // there is still no room
    CHECK(bench.is_busy());
    CHECK(bench.drain() == "x");
    bench.print("de");  // who does not look writes nevertheless
    CHECK(bench.is_busy());
    CHECK(bench.screen.text == "abcde");
    bench.make_room();
    CHECK(bench.is_empty());
    bench.print("f");
    CHECK(bench.is_empty());
    CHECK(bench.screen.text == "abcdef");
}

TEST_CASE("the interrupt of the empty transmitter comes once there is room", "[uart16550_full]") {
    FullBench bench(2);
    bench.out(Register::ier, 0x02);
    CHECK(bench.wire.up);
    CHECK((bench.in(Register::iir) & 0xf) == thr_interrupt);
    bench.print("a");
    CHECK(bench.wire.up);
    bench.print("b");
    CHECK(!bench.wire.up);
    CHECK((bench.in(Register::iir) & 0xf) == none);
    bench.print("c");
    CHECK(!bench.wire.up);
    bench.make_room();
    CHECK(bench.wire.up);
    CHECK((bench.in(Register::iir) & 0xf) == thr_interrupt);
    bench.uart.input_arrived();  // once is enough
    CHECK(!bench.wire.up);
}

TEST_CASE("enabling the interrupt raises it only where there is room", "[uart16550_full]") {
    FullBench bench(1);
    bench.print("a");
    bench.out(Register::ier, 0x02);
    CHECK(!bench.wire.up);
    bench.make_room();
    CHECK(bench.wire.up);
}

TEST_CASE("errors of characters show beside a full sink", "[uart16550_full]") {
    FullBench bench(1);
    bench.print("a");
    bench.type_faulty('?', uart16550::lsr::framing_error::mask);
    CHECK((bench.in(Register::lsr) & 0x7f) == 0x09);
    CHECK(bench.is_busy());
}

TEST_CASE("a reset forgets that the sink was full, and finds it out anew", "[uart16550_full]") {
    FullBench bench(1);
    bench.print("a");
    bench.uart.reset();
    CHECK(bench.is_empty());
    bench.print("b");
    CHECK(bench.is_busy());
}
