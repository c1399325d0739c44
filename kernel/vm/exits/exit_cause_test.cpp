// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_cause.hpp"

#include <string>

#include "kernel/arch/firmware/sbi.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t call = 10;
constexpr std::uint64_t fetch = 20;
constexpr std::uint64_t load = 21;
constexpr std::uint64_t store = 23;
constexpr std::uint64_t timer = 1ull << 63 | 5;

std::string words(const ExitCause& cause) {
    FixedBuffer<96> text;
    print_cause(text, cause);
    return std::string(text.view());
}

/// In a VM with the usual devices.
ExitCause cause(std::uint64_t scause, std::uint64_t extension, std::uint64_t function,
                GuestPhys address) {
    test::Transcript screen;
    test::Keyboard keyboard;
    test::PowerLog power;
    const GuestDevices devices(1, {screen, keyboard}, power);
    const GuestRange ram{{0x8000'0000}, 0x1000};
    return exit_cause(scause, extension, function, address, ram, devices.list());
}

std::string words(std::uint64_t scause, std::uint64_t extension, std::uint64_t function,
                  std::uint64_t address) {
    return words(cause(scause, extension, function, GuestPhys{address}));
}

}  // namespace

TEST_CASE("a cause is what made the guest leave, and nothing else", "[exit_cause]") {
    CHECK(cause(call, 1, 2, {0x1000'0000}) == ExitCause{call, 1, 2});
    CHECK(cause(load, 1, 2, {0x1000'0005}) == ExitCause{.scause = load, .device = "UART"});
    CHECK(cause(load, 1, 2, {0x1000'0100}) == ExitCause{.scause = load});
    CHECK(cause(load, 1, 2, {0x1000'800c}) == ExitCause{.scause = load, .device = "virtio slot"});
    CHECK(cause(timer, 1, 2, {0x1000'0000}) == ExitCause{.scause = timer});
}

TEST_CASE("every cause has words", "[exit_cause]") {
    CHECK(words(call, 0x54494d45, 0, 0) == "SBI timer (TIME): set timer");
    CHECK(words(call, 0x48534d, 2, 0) == "SBI hart state management (HSM): hart get status");
    CHECK(words(call, 0x54494d45, 99, 0) == "SBI timer (TIME)");
    CHECK(words(load, 0, 0, 0x0c00'0004) == "load from PLIC");
    CHECK(words(store, 0, 0, 0x1000'0000) == "store to UART");
    CHECK(words(store, 0, 0, 0) == "store to nothing");
    CHECK(words(store, 0, 0, 0x8000'0fff) == "store to RAM");
    CHECK(words(store, 0, 0, 0x8000'1000) == "store to nothing");
    CHECK(words(timer, 0, 0, 0) == "supervisor timer interrupt");
    CHECK_FALSE(words(fetch, 0, 0, 0).empty());
}
