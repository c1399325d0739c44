// SPDX-License-Identifier: MIT
#include "kernel/manager/console/guest_port.hpp"

#include <array>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Port final : ChannelPort {
    std::uint32_t turns() override { return changes; }
    bool has_input() override { return input; }
    std::size_t read(std::span<std::byte> to) override {
        to[0] = std::byte{'i'};
        return 1;
    }
    std::size_t write(std::span<const std::byte> from) override { return from.size() - lacks; }
    void set_open(bool open) override { is_open = open; }
    bool is_open = false;
    bool input = true;
    std::size_t lacks = 1;
    std::uint32_t changes = 7;
};

}  // namespace

TEST_CASE("a port of a machine that has none is closed, and loses what it is sent",
          "[guest_port]") {
    GuestPort port("agent");
    std::array<std::byte, 4> bytes{};
    CHECK(port.name() == "agent");
    CHECK(port.turns() == 0);
    CHECK(port.read(bytes) == 0);
    CHECK(port.write(bytes) == 4);
    port.port_reads(true);
    port.port_reads(false);
}

TEST_CASE("a port passes on bytes, and what is said about it", "[guest_port]") {
    GuestPort port("agent");
    Port machines;
    Port other;
    std::array<std::byte, 4> bytes{};
    port.connect(&machines);
    CHECK(port.turns() == 7);
    CHECK(port.read(bytes) == 1);
    CHECK(port.write(bytes) == 3);
    CHECK_FALSE(machines.is_open);
    port.port_reads(true);
    CHECK(machines.is_open);
    machines.is_open = false;  // as when it was unplugged
    port.connect(&machines);
    CHECK(machines.is_open);
    port.connect(&other);
    CHECK(other.is_open);
    port.port_reads(false);
    CHECK_FALSE(other.is_open);
    port.connect(nullptr);
    CHECK(port.turns() == 0);
}

TEST_CASE("a port has news where its VM may have something to do", "[guest_port]") {
    GuestPort port("agent");
    Port machines;
    machines.input = false;
    const std::array<std::byte, 4> bytes{};
    CHECK_FALSE(port.has_news());
    port.connect(&machines);
    CHECK(port.has_news());
    CHECK_FALSE(port.has_news());
    machines.input = true;
    CHECK(port.has_news());
    machines.input = false;
    ++machines.changes;
    CHECK(port.has_news());
    CHECK_FALSE(port.has_news());
    CHECK(port.write(bytes) == 3);
    CHECK(port.has_news());
    CHECK(port.has_news());
    machines.lacks = 0;
    CHECK(port.write(bytes) == 4);
    CHECK_FALSE(port.has_news());
    port.connect(nullptr);
    CHECK(port.has_news());
    CHECK_FALSE(port.has_news());
}
