// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_console.hpp"

#include <algorithm>

#include "tests/unit/catch.hpp"
#include "tests/unit/host_console_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_mmio::Register;
namespace event = virtio_console::event;

TEST_CASE("ports come with their names, modern or legacy, and carry bytes", "[host_console]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        ConsoleBench bench({"cairn.monitor", "cairn.vm.a"}, legacy);
        bench.function.ports[2].open = true;
        bench.function.ends_names = legacy;
        REQUIRE(bench.start());
        CHECK(bench.console->works());
        CHECK(bench.console->ports() == 3);
        CHECK(bench.name(0).empty());
        CHECK(bench.name(1) == "cairn.monitor");
        CHECK(bench.name(2) == "cairn.vm.a");
        CHECK_FALSE(bench.is_open(1));
        CHECK(bench.is_open(2));
        bench.console->use(2, PortUse::talk);
        bench.function.ports[2].wire = "typed";
        bench.work();
        CHECK(bench.wanted == 1);
        CHECK(bench.console->has_input(2));
        CHECK(bench.read(2) == "typed");
        CHECK_FALSE(bench.console->has_input(2));
        CHECK(bench.write(2, "printed") == 7);
        CHECK(bench.function.ports[2].sent == "printed");
        CHECK(bench.device.log.empty());
    }
}

TEST_CASE("as many ports as there can be get their names, though messages are forgotten",
          "[host_console]") {
    std::vector<std::string> names;
    for (std::size_t n = 1; n < HostConsole::most_ports; ++n)
        names.push_back("port " + std::to_string(n));
    ConsoleBench bench(names);
    for (auto& [number, port] : bench.function.ports)
        port.open = true;
    REQUIRE(bench.start());
    for (std::uint32_t n = 1; n < HostConsole::most_ports; ++n) {
        CHECK(bench.name(n) == names[n - 1]);
        CHECK(bench.is_open(n));
    }
}

TEST_CASE("a port that nobody uses at this end is not sent to", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.open(1);
    bench.function.ports[1].wire = "x";
    bench.work();
    CHECK(bench.function.ports[1].wire == "x");
    bench.console->use(1, PortUse::talk);
    bench.console->use(1, PortUse::talk);
    bench.work();
    CHECK(bench.read(1) == "x");
    CHECK(std::ranges::count(bench.function.heard, event::port_open,
                             &virtio_console::Control::event) == 1);
}

TEST_CASE("what is not read waits at the device", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.console->use(1, PortUse::talk);
    bench.open(1);
    std::string much;
    for (int n = 0; much.size() < 3 * HostPort::receive_buffers * HostPort::receive_bytes; ++n)
        much += std::to_string(n) + " ";
    bench.function.ports[1].wire = much;
    bench.work();
    CHECK(bench.function.ports[1].wire.size() ==
          much.size() - HostPort::receive_buffers * HostPort::receive_bytes);
    std::string got;
    for (std::size_t size = 1; got.size() < much.size(); size = size * 7 % 300 + 1) {
        const std::string piece = bench.read(1, size);
        REQUIRE_FALSE(piece.empty());
        got += piece;
    }
    CHECK(got == much);
    CHECK(bench.read(1).empty());
}

TEST_CASE("what there is no room for is not taken, and the owner is told of room",
          "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.open(1);
    bench.function.ports[1].sleeps = true;
    constexpr std::size_t room = HostPort::transmit_buffers * HostPort::transmit_bytes;
    const std::string much(3 * room, 'x');
    CHECK(bench.write(1, much) == room);
    CHECK(bench.write(1, much) == 0);
    bench.wanted = 0;
    bench.work();
    CHECK(bench.wanted == 0);
    bench.function.ports[1].sleeps = false;
    bench.work();
    CHECK(bench.wanted == 1);
    CHECK(bench.function.ports[1].sent.size() == room);
    CHECK(bench.write(1, much) == much.size());  // this device takes all at once
    CHECK(bench.function.ports[1].sent.size() == room + much.size());
    bench.work();
    bench.wanted = 0;
    CHECK(bench.write(1, "x") == 1);  // nobody waits for room any more
    bench.work();
    CHECK(bench.wanted == 0);
}

TEST_CASE("nobody waits for a port that nobody has open", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.function.ports[1].sleeps = true;
    const std::string much(100'000, 'x');
    CHECK(bench.write(1, much) == much.size());
    bench.open(1);
    CHECK(bench.write(1, "seen") == 4);
    bench.function.ports[1].sleeps = false;
    bench.work();
    CHECK(bench.function.ports[1].sent == "seen");
}

TEST_CASE("who comes next does not get what the one before has sent", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.console->use(1, PortUse::talk);
    bench.open(1);
    CHECK(bench.console->turns(1) == 1);
    bench.function.ports[1].wire = "half a li";
    bench.work();
    CHECK(bench.read(1, 4) == "half");
    bench.open(1, false);
    CHECK(bench.console->turns(1) == 2);
    CHECK_FALSE(bench.console->has_input(1));
    bench.open(1);
    bench.open(1);  // says nothing new
    CHECK(bench.console->turns(1) == 3);
    bench.function.ports[1].wire = "list";
    bench.work();
    CHECK(bench.read(1) == "list");
}

TEST_CASE("what a stream was sent is read, though its other end was closed", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.open(1);
    bench.function.ports[1].wire = "before";
    bench.work();
    CHECK_FALSE(bench.console->has_input(1));
    bench.console->use(1, PortUse::stream);
    bench.work();
    CHECK(bench.function.ports[1].driver_open);
    bench.open(1, false);
    CHECK(bench.read(1) == "before");
    bench.console->use(1, PortUse::none);
    CHECK_FALSE(bench.function.ports[1].driver_open);
    bench.console->use(1, PortUse::none);
    bench.console->use(1, PortUse::stream);
    CHECK(bench.function.ports[1].driver_open);
    CHECK(std::ranges::count(bench.function.heard, event::port_open,
                             &virtio_console::Control::event) == 3);
}

TEST_CASE("ports come and go later, too", "[host_console]") {
    ConsoleBench bench({"a", "b"});
    REQUIRE(bench.start());
    bench.console->use(1, PortUse::talk);
    bench.open(1);
    bench.function.tell(1, event::port_remove);
    bench.work();
    CHECK(bench.name(1).empty());
    CHECK_FALSE(bench.is_open(1));
    CHECK(bench.write(1, "x") == 1);
    bench.function.ports[1] = {.name = "again", .open = true};
    bench.function.tell(1, event::port_add);
    bench.work();
    CHECK(bench.name(1) == "again");
    CHECK(bench.is_open(1));
    bench.console->use(1, PortUse::talk);
    bench.function.ports[1].wire = "y";
    bench.work();
    CHECK(bench.read(1) == "y");
}

TEST_CASE("a console port is answered as the specification wants it", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.function.tell(1, event::console_port, 1);
    bench.work();
    CHECK(bench.function.ports[1].driver_open);
}

TEST_CASE("a port beyond those that there is room for is refused", "[host_console]") {
    ConsoleBench bench({"a"});
    bench.function.says.max_nr_ports = 1000;
    REQUIRE(bench.start());
    CHECK(bench.console->ports() == HostConsole::most_ports);
    bench.function.heard.clear();
    bench.function.tell(HostConsole::most_ports, event::port_add);
    bench.function.tell(0xffff'ffff, event::port_open, 1);
    bench.work();
    REQUIRE(bench.function.heard.size() == 1);
    CHECK(bench.function.heard[0].event == event::port_ready);
    CHECK(bench.function.heard[0].value == 0);
}

TEST_CASE("messages that make no sense are passed over", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.function.to_say.push_back("short");
    bench.function.to_say.push_back("");
    bench.function.tell(0, event::port_open, 1);  // is not there
    bench.function.tell(1, 77, 1);
    bench.function.tell(1, event::resize, 1, "abcd");
    bench.function.tell(1, event::port_add);  // is there
    bench.function.tell(1, event::port_name, 1, std::string(HostPort::longest_name, 'n'));
    bench.work();
    CHECK(bench.console->works());
    CHECK(bench.name(1) == std::string(HostPort::longest_name, 'n'));
    CHECK_FALSE(bench.is_open(0));
    bench.function.tell(1, event::port_name, 1, std::string(HostPort::longest_name + 1, 'n'));
    bench.work();
    CHECK(bench.name(1).empty());
    bench.function.tell(1, event::port_name, 1, "");
    bench.work();
    CHECK(bench.name(1).empty());
}

TEST_CASE("a device that never stops talking holds nobody", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.function.forgets = false;
    for (int n = 0; n < 100; ++n)
        bench.function.set_open(1, n % 2 == 0);
    bench.device.work();
    bench.console->interrupted();
    CHECK(bench.function.to_say.size() > 0);
    for (int n = 0; n < 10; ++n)
        bench.work();
    CHECK(bench.console->turns(1) == 100);
}

TEST_CASE("a device that breaks the rules is left alone", "[host_console]") {
    ConsoleBench bench({"a"});
    REQUIRE(bench.start());
    bench.console->use(1, PortUse::talk);
    bench.open(1);
    SECTION("in a port's queue to receive") {
        bench.break_ring(virtio_console::receive_queue(1));
        CHECK(bench.console->has_input(1));
        CHECK(bench.read(1).empty());
    }
    SECTION("in a port's queue to transmit") {
        bench.break_ring(virtio_console::transmit_queue(1));
        CHECK(bench.write(1, "x") == 1);
    }
    SECTION("in what it says") {
        bench.break_ring(virtio_console::control_receive_queue);
        bench.device.lies[Register::interrupt_status] = virtio_mmio::interrupt::used_buffer;
        bench.console->interrupted();
    }
    SECTION("in what it has heard") {
        bench.break_ring(virtio_console::control_transmit_queue);
        bench.function.tell(1, event::console_port, 1);
        bench.work();
    }
    CHECK_FALSE(bench.console->works());
    CHECK_FALSE(bench.is_open(1));
    CHECK_FALSE(bench.console->has_input(1));
    CHECK(bench.write(1, "lost") == 4);
    CHECK(bench.device.read(Register::status) == 0);
    bench.console->use(1, PortUse::talk);
    bench.console->interrupted();
}

TEST_CASE("a device without named ports, or without sense, is not started", "[host_console]") {
    ConsoleBench bench({"a"});
    VirtioFault fault{};
    SECTION("no ports") {
        bench.function.offers = virtio_console::feature::size;
        fault = VirtioFault::no_ports;
    }
    SECTION("as many as none") {
        bench.function.says.max_nr_ports = 0;
        fault = VirtioFault::bad_config;
    }
    SECTION("no queue") {
        bench.device.lies[Register::queue_num_max] = 0;
        fault = VirtioFault::queue_too_small;
    }
    const auto started = bench.start();
    REQUIRE_FALSE(started);
    CHECK(started.error() == fault);
    CHECK_FALSE(bench.console->works());
}

TEST_CASE("a device that hears and says nothing makes nobody wait", "[host_console]") {
    ConsoleBench bench({"a"});
    bench.function.is_mute = true;
    REQUIRE(bench.start());
    CHECK(bench.name(1).empty());
    bench.console->use(1, PortUse::talk);
    CHECK(bench.write(1, "x") == 1);
    bench.console->leave();
    CHECK_FALSE(bench.console->works());
    bench.console->interrupted();
}
