// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/paced_output.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/fake_uart.hpp"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("a guest is told to stop, has some credit, and goes on once little waits",
          "[paced_output]") {
    FakeUart uart;
    PacedOutput<FakeUart> output;
    output.begin(1000);
    std::size_t written = 0;
    for (; !output.are_guests_ahead(); ++written)
        output.write(uart, 'g');
    CHECK(written == guests_stop_at + 1);  // one lies in the UART
    CHECK(!output.takes_guests());
    unsigned credit = 0;
    for (; output.are_guests_ahead() && output.take_credit(); ++credit)
        output.write(uart, 'c');
    CHECK(credit == guests_credit);
    CHECK(!output.take_credit());
    output.write(uart, 'o');  // the hypervisor's own is not held up by that
    CHECK(output.lost() == 0);
    std::size_t waiting = guests_stop_at + guests_credit + 1;
    for (bool goes_on = false; !goes_on; waiting -= 16) {
        CHECK(output.are_guests_ahead());
        uart.pass(16);
        goes_on = output.send_waiting(uart);
    }
    CHECK(waiting <= guests_go_on_at);
    CHECK(waiting + 16 > guests_go_on_at);
    CHECK(output.takes_guests());
    CHECK(!output.are_guests_ahead());
    uart.pass(16);
    CHECK(!output.send_waiting(uart));  // it is told once
}

TEST_CASE("who writes waits for the UART before and after interrupts are served",
          "[paced_output]") {
    MovingUart uart;
    PacedOutput<MovingUart> output;
    const std::string text = numbered(3000);
    for (const char byte : text) {
        CHECK(!output.are_guests_ahead());
        output.write(uart, byte);
    }
    output.begin(1000);
    uart.moves = false;
    for (const char byte : text)
        output.write(uart, byte);
    CHECK(output.are_guests_ahead());
    uart.moves = true;
    output.end(uart);
    CHECK(!output.are_guests_ahead());
    for (const char byte : text)
        output.write(uart, byte);
    uart.pass(16);
    CHECK(uart.wire == text + text + text);
    CHECK(uart.overruns == 0);
}

TEST_CASE("the hypervisor waits for room while the wire moves", "[paced_output]") {
    MovingUart uart;
    PacedOutput<MovingUart> output;
    output.begin(1'000'000'000);
    const std::string text = numbered(output_room + 5000);
    for (const char byte : text)
        output.write(uart, byte);
    output.end(uart);
    uart.pass(16);
    CHECK(uart.wire == text);
    CHECK(output.lost() == 0);
}

TEST_CASE("on a wire that is stuck the hypervisor's own is lost and counted", "[paced_output]") {
    WatchedUart uart;
    PacedOutput<WatchedUart> output;
    output.begin(100);
    for (std::size_t i = 0; i < 1 + output_room; ++i)
        output.write(uart, 'x');
    CHECK(output.room() == 0);
    CHECK(output.lost() == 0);
    uart.looks = 0;
    output.write(uart, 'x');
    CHECK(output.lost() == 1);
    CHECK(uart.looks > 100);  // a tick each
    uart.looks = 0;
    output.write(uart, 'x');
    CHECK(output.lost() == 2);
    CHECK(uart.looks == 1);  // it is not waited for again
    uart.pass(16);
    CHECK(!output.send_waiting(uart));  // it moves
    for (int i = 0; i < 16; ++i)
        output.write(uart, 'y');
    CHECK(output.lost() == 2);
    uart.looks = 0;
    output.write(uart, 'y');
    CHECK(uart.looks > 100);
    CHECK(output.take_lost() == 3);
    CHECK(output.lost() == 0);
}
