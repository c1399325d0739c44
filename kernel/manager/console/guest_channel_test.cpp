// SPDX-License-Identifier: MIT
#include "kernel/manager/console/guest_channel.hpp"

#include <memory>
#include <string>

#include "kernel/host/drivers/console.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::size_t unlimited = std::string::npos;
using Shown = GuestChannel::Shown;

std::string screen;
std::size_t room = unlimited;

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

struct Reader final : InputReceiver {
    void input_arrived() override { ++told; }
    void output_stops() override { ++stops; }
    int stops = 0;
    int told = 0;
};

/// A port that keeps what it is sent.
struct Port final : ChannelPort {
    std::uint32_t turns() override { return changes; }
    bool has_input() override { return !input.empty(); }
    std::size_t read(std::span<std::byte> to) override {
        const std::size_t count = std::min(to.size(), input.size());
        std::copy_n(std::as_bytes(std::span(input)).begin(), count, to.begin());
        input.erase(0, count);
        return count;
    }
    std::size_t write(std::span<const std::byte> from) override {
        const std::size_t count = std::min(from.size(), most - std::min(most, sent.size()));
        sent.append(reinterpret_cast<const char*>(from.data()), count);
        return count;
    }
    std::uint32_t changes = 1;
    std::size_t most = unlimited;
    std::string input;
    std::string sent;
};

unsigned calls_for_more = 0;

std::unique_ptr<GuestChannel> channel() {
    screen.clear();
    room = unlimited;
    calls_for_more = 0;
    return std::make_unique<GuestChannel>();
}

}  // namespace

// The machine's console, in place of kernel/host/drivers/console.cpp.
std::size_t cairn::console_write_guest(std::span<const char> text) {
    const std::size_t count = std::min(text.size(), room - std::min(room, screen.size()));
    screen.append(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
}
void cairn::console_write_guest(GuestWriter& writer, char byte) {
    if (screen.size() < room) return screen.push_back(byte);
    writer.console_is_full(true);
}
bool cairn::console_takes_guests() {
    return screen.size() < room;
}

TEST_CASE("what a guest behind prints comes out when it is brought to the front, in order",
          "[guest_channel]") {
    const auto guest = channel();
    (void)guest->put(bytes("before "));
    guest->put(std::byte{'x'});
    CHECK(screen.empty());
    CHECK(guest->come_to_front() == Shown::all);
    CHECK(screen == "before x");
    CHECK(guest->is_in_front());
    (void)guest->put(bytes(" now"));
    guest->put(std::byte{'!'});
    CHECK(screen == "before x now!");
    guest->go_behind();
    (void)guest->put(bytes("later"));
    CHECK(screen == "before x now!");
}

TEST_CASE("much output comes out in pieces, and what comes meanwhile behind it",
          "[guest_channel]") {
    const auto guest = channel();
    const std::string much(1000, 'a');
    (void)guest->put(bytes(much));
    unsigned pieces = 1;
    while (guest->come_to_front() != Shown::all) {
        if (pieces++ == 1) (void)guest->put(bytes("bc"));
        REQUIRE(pieces < 10);
    }
    CHECK(pieces == 4);
    CHECK(screen == much + "bc");
}

TEST_CASE("the last of it is kept, and what is lost is counted", "[guest_channel]") {
    const auto guest = channel();
    for (std::size_t i = 0; i < GuestChannel::kept_output + 5; ++i)
        guest->put(static_cast<std::byte>('0' + i % 10));
    CHECK(guest->take_lost() == 5);
    CHECK(guest->take_lost() == 0);
    while (guest->come_to_front() != Shown::all) {
    }
    CHECK(screen.size() == GuestChannel::kept_output);
    CHECK(screen.front() == '5');
}

TEST_CASE("a size is kept, and whoever is there told of it", "[guest_channel]") {
    const auto guest = channel();
    CHECK(guest->size().load() == virtio_console::Size{});
    guest->resize({80, 24});
    Reader reader;
    guest->attach(&reader);
    guest->resize({100, 30});
    CHECK(reader.told == 1);
    CHECK(guest->size().load() == virtio_console::Size{.cols = 100, .rows = 30});
}

TEST_CASE("what was kept waits for room, and nothing is lost meanwhile", "[guest_channel]") {
    const auto guest = channel();
    CHECK(guest->put(bytes("0123456789")) == 10);  // behind there is always room
    CHECK(guest->has_output_room());
    room = 4;
    CHECK(guest->come_to_front() == Shown::waits);
    CHECK(screen == "0123");
    guest->put(std::byte{'x'});
    CHECK(guest->come_to_front() == Shown::waits);
    room = unlimited;
    CHECK(guest->come_to_front() == Shown::all);
    CHECK(screen == "0123456789x");
    CHECK(guest->take_lost() == 0);
}

TEST_CASE("in front a guest that is ahead of the wire is told to stop, and to go on",
          "[guest_channel]") {
    const auto guest = channel();
    Reader reader;
    guest->attach(&reader);
    REQUIRE(guest->come_to_front() == Shown::all);
    room = 3;
    CHECK(guest->put(bytes("abcd")) == 3);
    CHECK(!guest->has_output_room());
    CHECK(reader.stops == 0);
    guest->put(std::byte{'d'});
    CHECK(reader.stops == 1);
    CHECK(guest->take_lost() == 1);
    CHECK(reader.told == 0);
    guest->output_goes_on();
    CHECK(reader.told == 1);
    guest->go_behind();  // where there is room
    CHECK(reader.told == 2);
    CHECK(guest->has_output_room());
    guest->attach(nullptr);
    guest->output_goes_on();
    CHECK(reader.told == 2);
}

TEST_CASE("what is typed waits for the guest, which is told of it", "[guest_channel]") {
    const auto guest = channel();
    Reader reader;
    guest->type({.value = std::byte{'a'}});
    guest->attach(&reader);
    guest->type({.value = std::byte{'b'}, .errors = 4});
    CHECK(reader.told == 1);
    CHECK(guest->take() == uart16550::Character{.value = std::byte{'a'}});
    CHECK(guest->take() == uart16550::Character{.value = std::byte{'b'}, .errors = 4});
    CHECK(!guest->take());
    guest->attach(nullptr);
    guest->type({.value = std::byte{'c'}});
    CHECK(reader.told == 1);
}

TEST_CASE("a channel that was full asks for more when there is room", "[guest_channel]") {
    const auto guest = channel();
    guest->when_there_is_room([] { ++calls_for_more; });
    for (std::size_t i = 0; i < GuestChannel::typed_room; ++i) {
        REQUIRE(guest->has_room());
        guest->type({.value = std::byte{'x'}});
    }
    CHECK(!guest->has_room());
    CHECK(calls_for_more == 0);
    CHECK(guest->take());
    CHECK(calls_for_more == 1);
    CHECK(guest->take());
    CHECK(calls_for_more == 1);
    CHECK(guest->has_room());
}

TEST_CASE("a port gets what the guest prints, in front or behind, and the console as well",
          "[guest_channel]") {
    const auto guest = channel();
    Port port;
    guest->connect(&port);
    CHECK(guest->put(bytes("behind ")) == 7);
    guest->put(std::byte{'x'});
    CHECK(port.sent == "behind x");
    CHECK(screen.empty());
    REQUIRE(guest->come_to_front() == Shown::all);
    CHECK(screen == "behind x");
    guest->put(std::byte{'y'});
    CHECK(guest->put(bytes("z")) == 1);
    guest->go_behind();
    guest->put(std::byte{'!'});
    CHECK(port.sent == "behind xyz!");
    CHECK(screen == "behind xyz");
    REQUIRE(guest->come_to_front() == Shown::all);
    CHECK(screen == "behind xyz!");
    guest->connect(nullptr);
    guest->put(std::byte{'.'});
    CHECK(screen == "behind xyz!.");
    CHECK(port.sent == "behind xyz!");
    CHECK(guest->take_lost() == 0);
}

TEST_CASE("who opens a port gets the last of what was printed before", "[guest_channel]") {
    const auto guest = channel();
    Port port;
    port.changes = 0;
    REQUIRE(guest->come_to_front() == Shown::all);
    (void)guest->put(bytes("nobody keeps this"));
    guest->connect(&port);
    for (std::size_t i = 0; i < GuestChannel::kept_output + 5; ++i)
        guest->put(static_cast<std::byte>('0' + i % 10));
    CHECK(port.sent.empty());
    port.changes = 1;
    guest->serve_port();
    CHECK(port.sent.size() == GuestChannel::kept_output);
    CHECK(port.sent.front() == '5');
    CHECK(guest->take_lost() == 0);  // the console had all of it
    port.changes = 2;
    guest->put(std::byte{'a'});
    port.sent.clear();
    port.changes = 3;
    guest->serve_port();
    CHECK(port.sent == "a");
}

TEST_CASE("a guest is never told to stop for a port, and what waits for it is sent later",
          "[guest_channel]") {
    const auto guest = channel();
    Port port;
    Reader reader;
    guest->attach(&reader);
    guest->connect(&port);
    port.most = 2;
    CHECK(guest->put(bytes("abcd")) == 4);
    guest->put(std::byte{'e'});
    CHECK(guest->has_output_room());
    CHECK(reader.stops == 0);
    CHECK(port.sent == "ab");
    port.most = unlimited;
    guest->serve_port();
    CHECK(port.sent == "abcde");
    CHECK(reader.told == 0);
}

TEST_CASE("where the console is full the guest repeats, and the port gets it once",
          "[guest_channel]") {
    const auto guest = channel();
    Port port;
    guest->connect(&port);
    REQUIRE(guest->come_to_front() == Shown::all);
    room = 3;
    CHECK(guest->put(bytes("abcd")) == 3);
    CHECK(guest->put(bytes("d")) == 0);
    CHECK(port.sent == "abc");
    room = unlimited;
    CHECK(guest->put(bytes("d")) == 1);
    CHECK(port.sent == "abcd");
}

TEST_CASE("a guest takes what came by its port behind what was typed", "[guest_channel]") {
    const auto guest = channel();
    Port port;
    Reader reader;
    guest->attach(&reader);
    guest->connect(&port);
    guest->serve_port();
    CHECK(reader.told == 0);
    port.input = "p\xff";
    guest->serve_port();
    CHECK(reader.told == 1);
    guest->type({.value = std::byte{'t'}});
    CHECK(guest->take() == uart16550::Character{.value = std::byte{'t'}});
    CHECK(guest->take() == uart16550::Character{.value = std::byte{'p'}});
    CHECK(guest->take() == uart16550::Character{.value = std::byte{0xff}});
    CHECK(!guest->take());
}
