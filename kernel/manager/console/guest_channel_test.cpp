// SPDX-License-Identifier: MIT
#include "kernel/manager/console/guest_channel.hpp"

#include <memory>
#include <string>

#include "kernel/host/drivers/console.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::string screen;

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

struct Reader final : InputReceiver {
    void input_arrived() override { ++told; }
    int told = 0;
};

unsigned calls_for_more = 0;

std::unique_ptr<GuestChannel> channel() {
    screen.clear();
    calls_for_more = 0;
    return std::make_unique<GuestChannel>();
}

}  // namespace

// The machine's console, in place of kernel/host/drivers/console.cpp.
void cairn::console_write_guest(std::span<const char> text) {
    screen.append(text.begin(), text.end());
}
void cairn::console_write_guest(char byte) {
    screen.push_back(byte);
}

TEST_CASE("what a guest behind prints comes out when it is brought to the front, in order",
          "[guest_channel]") {
    const auto guest = channel();
    guest->put(bytes("before "));
    guest->put(std::byte{'x'});
    CHECK(screen.empty());
    CHECK(guest->come_to_front());
    CHECK(screen == "before x");
    CHECK(guest->is_in_front());
    guest->put(bytes(" now"));
    guest->put(std::byte{'!'});
    CHECK(screen == "before x now!");
    guest->go_behind();
    guest->put(bytes("later"));
    CHECK(screen == "before x now!");
}

TEST_CASE("much output comes out in pieces, and what comes meanwhile behind it",
          "[guest_channel]") {
    const auto guest = channel();
    const std::string much(1000, 'a');
    guest->put(bytes(much));
    unsigned pieces = 1;
    while (!guest->come_to_front()) {
        if (pieces++ == 1) guest->put(bytes("bc"));
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
    while (!guest->come_to_front()) {
    }
    CHECK(screen.size() == GuestChannel::kept_output);
    CHECK(screen.front() == '5');
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
