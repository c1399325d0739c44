// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/console_port.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/console_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// A driver of three ports, ready for all of them, and what it has heard.
struct Ports : ConsoleDeviceBench<2> {
    static constexpr std::uint32_t agent_rx = virtio_console::receive_queue(1);
    static constexpr std::uint32_t agent_tx = virtio_console::transmit_queue(1);

    explicit Ports(std::uint64_t features = with_ports) {
        agent.changes_of_end = 0;
        start(features, {0, 1, 2, 3, 4, 5, 6, 7});
        listen(control_rx);
        say(event::device_ready, 1);
    }
    void send(std::string_view text) {
        std::memcpy(memory.at({room(agent_tx)}), text.data(), text.size());
        offer(agent_tx, {room(agent_tx), static_cast<std::uint32_t>(text.size())});
        notify(agent_tx);
    }
    void look() {
        if (console.look()) finish();
    }
    void turn_end() {
        ++agent.changes_of_end;
        look();
    }
    /// The driver's buffers hold eight messages.
    virtio_console::Control last() { return heard((used_count(control_rx) - 1u) % size); }
    void hear_on() { listen(control_rx, 8 - (next[control_rx] - used_count(control_rx))); }
};

}  // namespace

TEST_CASE("other ports have names, and are no consoles", "[console_port]") {
    Ports bench;
    CHECK(bench.device.read(0x104, AccessWidth::word) == 3u);
    REQUIRE(bench.used_count(control_rx) == 3);
    for (std::uint32_t n = 0; n < 3; ++n) {
        CHECK(bench.heard(n).event == event::port_add);
        CHECK(bench.heard(n).id == n);
    }
    bench.say(event::port_ready, 1, 1);
    REQUIRE(bench.used_count(control_rx) == 4);
    CHECK(bench.heard(3).event == event::port_name);
    CHECK(bench.used_length(control_rx, 3) == 8 + 5);
    CHECK(bench.text_at(bench.room(control_rx) + 3 * 32 + 8, 5) == "agent");
    CHECK(bench.console.resize({80, 24}));
    bench.say(event::port_ready, 1, 2);  // whose end is open
    REQUIRE(bench.used_count(control_rx) == 6);
    CHECK(bench.used_length(control_rx, 4) == 32);  // the buffer's
    CHECK(bench.heard(5).event == event::port_open);
    CHECK(bench.heard(5).value == 1);
}

TEST_CASE("a driver without ports has port 0 alone", "[console_port]") {
    Ports bench(virtio::feature::version_1);
    CHECK(bench.used_count(control_rx) == 0);
    bench.listen(Ports::agent_rx);
    bench.agent.keyboard.type("a");
    bench.send("b");
    bench.look();
    CHECK(bench.used_count(Ports::agent_rx) == 0);
    CHECK(bench.used_count(Ports::agent_tx) == 0);
    bench.print("c");
    CHECK(bench.screen.text == "c");
}

TEST_CASE("bytes go both ways while the driver has the port open", "[console_port]") {
    Ports bench;
    bench.agent.keyboard.type("waits");
    bench.listen(Ports::agent_rx);
    bench.say(event::port_ready, 1, 1);
    bench.look();
    CHECK(bench.agent.keyboard.waiting() == 5);
    CHECK_FALSE(bench.agent.is_read);
    bench.say(event::port_open, 1, 1);
    CHECK(bench.agent.is_read);
    CHECK(bench.used_length(Ports::agent_rx, 0) == 5);
    CHECK(bench.text_at(bench.room(Ports::agent_rx), 5) == "waits");
    bench.send("answer");
    CHECK(bench.agent.screen.text == "answer");
    bench.say(event::port_open, 0, 1);
    CHECK_FALSE(bench.agent.is_read);
    bench.agent.keyboard.type("late");
    bench.look();
    CHECK(bench.agent.keyboard.waiting() == 4);
    CHECK(bench.screen.text.empty());
}

TEST_CASE("an end that has no room keeps its buffer, and no other port's", "[console_port]") {
    Ports bench;
    bench.agent.screen.room = 3;
    bench.send("0123456789");
    CHECK(bench.used_count(Ports::agent_tx) == 0);
    bench.print("console");
    CHECK(bench.screen.text == "console");
    bench.agent.screen.room = 100;
    bench.look();
    CHECK(bench.agent.screen.text == "0123456789");
    CHECK(bench.used_count(Ports::agent_tx) == 1);
}

TEST_CASE("a port that floods leaves turns to the others", "[console_port]") {
    Ports bench;
    std::memset(bench.memory.at({bench.data_at}), 'x', 0x8000);
    for (int n = 0; n < 4; ++n)
        bench.offer(tx, {bench.data_at, 0x8000});
    bench.notify(tx);
    bench.send("now");
    for (int turns = 0; turns < 3; ++turns)
        CHECK(bench.device.work());
    CHECK(bench.agent.screen.text == "now");
    CHECK(bench.screen.text.size() < 0x8000);
}

TEST_CASE("a driver hears when the other end is opened and closed", "[console_port]") {
    Ports bench;
    bench.turn_end();
    bench.turn_end();  // before it is ready
    CHECK(bench.used_count(control_rx) == 3);
    bench.say(event::port_ready, 1, 1);
    CHECK(bench.used_count(control_rx) == 4);
    bench.turn_end();
    CHECK(bench.last().event == event::port_open);
    CHECK(bench.last().id == 1);
    CHECK(bench.last().value == 1);
    bench.turn_end();
    CHECK(bench.last().value == 0);
    REQUIRE(bench.used_count(control_rx) == 6);
    bench.turn_end();
    bench.agent.changes_of_end += 2;  // somebody else has it
    bench.hear_on();
    bench.look();
    CHECK(bench.used_count(control_rx) == 9);
    CHECK(bench.heard(7).value == 0);
    CHECK(bench.heard(8 % 8).value == 1);
    bench.look();
    CHECK(bench.used_count(control_rx) == 9);
    CHECK_FALSE(bench.console.look());
}

TEST_CASE("what was sent comes before the close", "[console_port]") {
    Ports bench;
    bench.turn_end();
    bench.say(event::port_ready, 1, 1);
    bench.say(event::port_open, 1, 1);
    const std::uint16_t before = bench.used_count(control_rx);
    bench.agent.keyboard.type("last words");
    bench.turn_end();
    CHECK(bench.used_count(control_rx) == before);
    bench.listen(Ports::agent_rx);
    CHECK(bench.used_length(Ports::agent_rx, 0) == 10);
    bench.finish();
    CHECK(bench.used_count(control_rx) == before + 1);
    CHECK(bench.last().value == 0);
}

TEST_CASE("a reset closes all ports, and they are told anew", "[console_port]") {
    Ports bench;
    bench.turn_end();
    bench.listen(Ports::agent_rx);
    bench.say(event::port_ready, 1, 1);
    bench.say(event::port_open, 1, 1);
    CHECK(bench.agent.is_read);
    bench.start(with_ports, {2, 3, 4, 5});
    CHECK_FALSE(bench.agent.is_read);
    bench.listen(control_rx);
    bench.say(event::port_ready, 1, 1);
    CHECK(bench.used_count(control_rx) == 2);
    CHECK(bench.last().event == event::port_open);
}
