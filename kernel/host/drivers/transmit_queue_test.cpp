// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/transmit_queue.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/fake_uart.hpp"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("bytes go out at once while the transmitter is empty", "[transmit_queue]") {
    FakeUart uart;
    TransmitQueue<64> queue;
    for (const char byte : std::string("abc")) {
        CHECK(queue.put(uart, byte));
        uart.pass(1);
    }
    CHECK(uart.wire == "abc");
    CHECK(!uart.interrupts);
    CHECK(!queue.drain(uart));
}

TEST_CASE("what the transmitter does not take waits, and a FIFO of it goes at each interrupt",
          "[transmit_queue]") {
    const std::size_t fifo = GENERATE(1u, 16u);
    FakeUart uart;
    uart.fifo_size = fifo;
    TransmitQueue<64> queue;
    const std::string text = numbered(50);
    for (const char byte : text)
        REQUIRE(queue.put(uart, byte));
    CHECK(uart.interrupts);
    CHECK(queue.size() == 49);
    CHECK(!queue.drain(uart));  // not before the interrupt
    const int served = serve_all(uart, [&] { queue.drain(uart); });
    CHECK(served == (fifo == 1 ? 50 : 5));
    CHECK(uart.wire == text);
    CHECK(uart.overruns == 0);
    CHECK(!uart.interrupts);
}

TEST_CASE("a full queue refuses, and keeps its order", "[transmit_queue]") {
    FakeUart uart;
    TransmitQueue<8> queue;
    const std::string text = numbered(9);
    for (const char byte : text)
        REQUIRE(queue.put(uart, byte));
    CHECK(!queue.put(uart, '?'));
    uart.pass(16);
    CHECK(!queue.put(uart, '?'));  // what waits comes first, though the transmitter is empty
    queue.drain(uart);
    CHECK(queue.put(uart, '.'));
    serve_all(uart, [&] { queue.drain(uart); });
    CHECK(uart.wire == text + ".");
}

TEST_CASE("all that waits can be sent without interrupts", "[transmit_queue]") {
    MovingUart uart;
    TransmitQueue<64> queue;
    const std::string text = numbered(60);
    for (const char byte : text)
        REQUIRE(queue.put(uart, byte));
    queue.drain_all(uart);
    uart.pass(16);
    CHECK(uart.wire == text);
    CHECK(!uart.interrupts);
}
