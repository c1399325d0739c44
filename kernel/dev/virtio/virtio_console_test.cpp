// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_console.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/console_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

using Bench = ConsoleDeviceBench<0>;

}  // namespace

TEST_CASE("what is transmitted is printed, and its buffer is used", "[virtio_console]") {
    Bench bench;
    CHECK(bench.get(virtio_mmio::Register::device_id) == 3);
    bench.start();
    bench.print("hello\n");
    CHECK(bench.screen.text == "hello\n");
    CHECK(bench.used_count(tx) == 1);
    CHECK(bench.used_length(tx, 0) == 0);
    CHECK(bench.wire.up);
}

TEST_CASE("without ports the console is open at once", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.listen(rx, 1);
    CHECK(bench.input.is_read);
    bench.type("ls\r");
    CHECK(bench.used_length(rx, 0) == 3);
    CHECK(bench.text_at(bench.room(rx), 3) == "ls\r");
    bench.type("x");  // no buffer is there
    CHECK(bench.input.keyboard.waiting() == 1);
    bench.listen(rx, 1);
    CHECK(bench.input.keyboard.waiting() == 0);
    CHECK(bench.used_count(rx) == 2);
}

TEST_CASE("a break is a zero", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.listen(rx, 1);
    bench.input.keyboard.type(
        {.value = std::byte{0}, .errors = uart16550::lsr::break_interrupt::mask});
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.used_length(rx, 0) == 1);
    CHECK(*bench.memory.at({bench.room(rx)}) == std::byte{0});
}

TEST_CASE("what is typed fills buffers of any size", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.offer(rx, {bench.room(rx), 2, true});
    bench.offer(rx, {bench.room(rx) + 16, 2, true});
    bench.notify(rx);
    bench.type("abc");
    CHECK(bench.used_count(rx) == 2);
    CHECK(bench.used_length(rx, 0) == 2);
    CHECK(bench.used_length(rx, 1) == 1);
    CHECK(bench.text_at(bench.room(rx) + 16, 1) == "c");
}

TEST_CASE("device and driver agree about the port", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    CHECK(bench.device.read(0x104, AccessWidth::word) == 1u);
    bench.listen(control_rx);
    bench.listen(rx);
    CHECK(bench.used_count(control_rx) == 0);
    bench.say(event::device_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 1);
    CHECK(bench.heard(0).event == event::port_add);
    CHECK(bench.heard(0).id == 0);
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 4);
    CHECK(bench.heard(1).event == event::console_port);
    CHECK(bench.heard(1).value == 1);
    CHECK(bench.heard(2).event == event::port_name);
    CHECK(bench.used_length(control_rx, 2) == 8 + 7);
    CHECK(bench.text_at(bench.room(control_rx) + 64 + 8, 7) == "console");
    CHECK(bench.heard(3).event == event::port_open);
    CHECK(bench.heard(3).value == 1);
    CHECK_FALSE(bench.input.is_read);
    bench.type("a");
    CHECK(bench.used_count(rx) == 0);  // not open yet
    bench.say(event::port_open, 1);
    CHECK(bench.input.is_read);
    CHECK(bench.used_count(rx) == 1);
    bench.say(event::port_open, 0);
    CHECK_FALSE(bench.input.is_read);
    bench.type("b");
    CHECK(bench.used_count(rx) == 1);
}

TEST_CASE("a size is in the configuration, and its change is told of", "[virtio_console]") {
    Bench bench;
    CHECK((bench.console.features() & feature::size) != 0);
    CHECK(bench.device.read(0x100, AccessWidth::half) == 0u);
    CHECK(bench.console.resize({80, 24}));
    CHECK_FALSE(bench.console.resize({80, 24}));
    CHECK(bench.console.resize({132, 50}));
    bench.start(with_size);
    CHECK(bench.device.read(0x100, AccessWidth::half) == 132u);
    CHECK(bench.device.read(0x102, AccessWidth::half) == 50u);
    CHECK_FALSE(bench.console.look());  // reading is all that there is to do
}

TEST_CASE("a port that is ready is told its size, and each that follows", "[virtio_console]") {
    Bench bench;
    bench.start(with_size | feature::multiport);
    bench.listen(control_rx);
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 3);  // nobody knows it
    CHECK(bench.console.resize({80, 24}));
    CHECK(bench.console.resize({100, 30}));
    CHECK(bench.console.look());
    bench.finish();
    REQUIRE(bench.used_count(control_rx) == 4);
    CHECK(bench.heard(3).event == event::resize);
    CHECK(bench.heard(3).id == 0);
    CHECK(bench.used_length(control_rx, 3) == 12);
    CHECK(bench.memory.load<virtio_console::Size>(GuestPhys{bench.room(control_rx) + 3 * 32 + 8}) ==
          virtio_console::Size{.cols = 100, .rows = 30});

    bench.start(with_size | feature::multiport);
    bench.listen(control_rx);
    CHECK(bench.console.resize({80, 24}));
    CHECK_FALSE(bench.console.look());  // not ready
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 4);
    bench.say(event::port_ready, 0);
    CHECK(bench.console.resize({81, 24}));
    CHECK_FALSE(bench.console.look());
    bench.finish();
    CHECK(bench.used_count(control_rx) == 4);
}

TEST_CASE("a port is added once, however often a driver is ready", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(control_rx);
    bench.say(event::device_ready, 1);
    bench.say(event::device_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
    bench.start(with_ports);
    bench.listen(control_rx);
    bench.say(event::device_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
}

TEST_CASE("messages wait for buffers; what they do not say changes nothing", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.say(event::device_ready, 0);
    bench.say(event::port_ready, 1, 1);  // of another port
    bench.say(event::port_open, 1, 7);
    bench.say(77, 1);
    bench.listen(control_rx, 1);
    CHECK(bench.used_count(control_rx) == 0);
    bench.say(event::device_ready, 1);
    bench.say(event::port_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
    CHECK(bench.used_count(control_tx) == 6);
    bench.listen(control_rx, 3);
    CHECK(bench.used_count(control_rx) == 4);
    CHECK_FALSE(bench.input.is_read);
}

TEST_CASE("a reset ends the reading", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(rx);
    bench.say(event::port_open, 1);
    CHECK(bench.input.is_read);
    bench.set(virtio_mmio::Register::status, 0);
    CHECK_FALSE(bench.input.is_read);
    CHECK(bench.input.changes == 2);
    CHECK_FALSE(bench.console.look());
}

TEST_CASE("a sink that is full keeps the buffer until it has room", "[virtio_console]") {
    Bench bench;
    bench.start(virtio::feature::version_1, {tx});
    bench.screen.room = 4;
    bench.print("0123456789");
    CHECK(bench.screen.text == "0123");
    CHECK(bench.used_count(tx) == 0);
    CHECK(bench.owner.wanted == 0);  // nobody tries until there is room
    CHECK_FALSE(bench.wire.up);
    bench.notify(tx);
    CHECK(bench.screen.text == "0123");
    bench.screen.room = 7;
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.screen.text == "0123456");
    bench.screen.room = 100;
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.screen.text == "0123456789");
    CHECK(bench.used_count(tx) == 1);
    CHECK(bench.wire.up);
    CHECK_FALSE(bench.console.look());
}

TEST_CASE("a huge buffer is written in turns", "[virtio_console]") {
    Bench bench;
    bench.start();
    std::memset(bench.memory.at({bench.data_at}), 'x', 0x8000);
    bench.offer(tx, {bench.data_at, 0x8000});
    bench.notify(tx);
    CHECK(bench.screen.text.size() == 2048);  // 64 KiB at 32 a byte
    CHECK(bench.owner.wanted == 1);
    CHECK(bench.used_count(tx) == 0);
    int turns = 2;  // the first and the last
    while (bench.device.work())
        ++turns;
    CHECK(turns == 16);
    CHECK(bench.screen.text.size() == 0x8000);
    CHECK(bench.used_count(tx) == 1);
}

TEST_CASE("what is half written is forgotten by a reset of the device", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.screen.room = 2;
    bench.print("old");
    bench.start(virtio::feature::version_1, {tx});
    bench.screen.room = 100;
    CHECK_FALSE(bench.console.look());
    bench.print("new");
    CHECK(bench.screen.text == "olnew");
    CHECK(bench.used_count(tx) == 1);
}

TEST_CASE("a character can be written before all set-up", "[virtio_console]") {
    Bench bench;
    CHECK(bench.device.write(0x108, AccessWidth::word, 0x1'0041));
    CHECK(bench.device.write(0x108, AccessWidth::byte, 'B'));
    CHECK(bench.device.write(0x104, AccessWidth::word, 'C'));
    CHECK(bench.screen.text == "AB");
    CHECK(bench.device.read(0x108, AccessWidth::word) == 0u);
}

TEST_CASE("messages and buffers that are too short are against the rules", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.offer(control_tx, {bench.room(control_tx), 7});
    bench.notify(control_tx);
    CHECK(bench.needs_reset());

    bench.start(with_ports);
    bench.offer(control_rx, {bench.room(control_rx), 7, true});
    bench.say(event::device_ready, 1);
    CHECK(bench.needs_reset());

    bench.start();
    bench.offer(rx, {bench.room(rx), 16});  // not to be written to
    bench.notify(rx);
    CHECK(bench.needs_reset());
    CHECK(bench.owner.log.size() == 3);
}

TEST_CASE("a name is cut to its buffer", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    for (unsigned n = 0; n < 4; ++n)
        bench.offer(control_rx, {bench.room(control_rx) + n * 32u, 10, true});
    bench.say(event::port_ready, 1);
    CHECK(bench.used_length(control_rx, 1) == 10);
    CHECK(bench.text_at(bench.room(control_rx) + 32 + 8, 3) == std::string("co\0", 3));
}

TEST_CASE("no interrupt comes for what did not happen", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(rx);
    bench.listen(control_rx);
    bench.notify(tx);
    CHECK(bench.wire.calls == 0);
    bench.memory.store(GuestPhys{bench.avail(tx)}, virtio_ring::avail_no_interrupt);
    bench.print("quiet");
    CHECK(bench.screen.text == "quiet");
    CHECK(bench.wire.calls == 0);
}

TEST_CASE("queues that are not set up are left alone", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports, {tx});
    bench.print("only output");
    CHECK(bench.screen.text == "only output");
    bench.type("a");
    CHECK(bench.input.keyboard.waiting() == 1);
}
