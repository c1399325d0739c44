// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_devices.hpp"

#include <array>

#include "kernel/vm/guest_map.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Devices {
    Transcript screen;
    Keyboard keyboard;
    PowerLog power;
    GuestDevices all{1, {screen, keyboard}, power};
};

}  // namespace

TEST_CASE("each device of the list answers in its block, by its interrupt", "[guest_devices]") {
    Devices devices;
    CHECK(devices.all.bus().size() == devices.all.list().size());
    std::uint64_t interrupts = 0;
    for (const GuestDevice& row : devices.all.list()) {
        const auto found = devices.all.bus().find(row.block.base, AccessWidth::byte);
        REQUIRE(found);
        CHECK(&found->device() == row.device);
        CHECK(!row.kind->name.empty());
        if (row.interrupt == 0) continue;
        CHECK((interrupts >> row.interrupt & 1) == 0);
        interrupts |= std::uint64_t{1} << row.interrupt;
    }
    CHECK(interrupts == (0xffu << 1 | 1u << 10));  // virtio's slots, the UART
}

TEST_CASE("a reset leaves no interrupt of before it pending", "[guest_devices]") {
    Devices devices;
    Bus& bus = devices.all.bus();
    const GuestPhys pending = guest_map::plic.base + plic::pending(guest_map::uart_irq);
    REQUIRE(bus.write(guest_map::uart.base + 1, AccessWidth::byte, 1));
    devices.keyboard.type("x");
    devices.all.uart().input_arrived();
    CHECK(bus.read(pending, AccessWidth::word) == 1u << guest_map::uart_irq);
    devices.all.reset();
    CHECK(bus.read(pending, AccessWidth::word) == 0u);
}
