// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/device_check.hpp"

#include <array>
#include <memory>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

using enum DeviceFault;

/// QEMU's virt, as far as devices go.
std::unique_ptr<Machine> good_machine() {
    auto machine = std::make_unique<Machine>();
    machine->memory = {{{0x8000'0000}, 0x4000'0000}};
    machine->reserved = {{{0x8000'0000}, 0x8'0000}, {{0x7000'0000}, 0x1000}};
    for (std::uint64_t id = 0; id < 2; ++id) {
        MachineHart hart;
        hart.id = id;
        hart.plic_context = static_cast<std::uint32_t>(2 * id + 1);
        hart.set_ssip = HostPhys{0x2f0'0000 + 4 * id};
        REQUIRE(machine->harts.try_push_back(hart));
    }
    machine->uart.emplace();
    machine->uart->registers = {{0x1000'0000}, 64};
    machine->uart->node = "serial";
    machine->test_device = MachineDevice{{{0x10'0000}, 4}, "test"};
    machine->rtc = MachineDevice{{{0x10'1000}, 0x20}, "rtc"};
    for (const std::uint64_t base : {0x1000'2000u, 0x1000'1000u})
        machine->virtio.push_back({{{{base}, 0x200}, "virtio"}, 1, 1});
    machine->plic = MachinePlic{{{{0xc00'0000}, 0x60'0000}, "plic"}, 1, 95};
    machine->sswis = {{{{0x2f0'0000}, 0x3ffc}, "sswi"}};
    return machine;
}

constexpr std::array own{HostRange{{0x8020'0000}, 0x650'0000}, HostRange{{0x6000'0000}, 0x1000}};

/// The only complaint about `machine`.
DeviceComplaint complaint(Machine& machine) {
    const DeviceComplaints complaints = drop_impossible_devices(machine, own);
    REQUIRE(complaints.size() == 1);
    CHECK(!to_string(complaints[0].fault).empty());
    return complaints[0];
}

}  // namespace

TEST_CASE("what lies apart stays", "[device_check]") {
    const auto machine = good_machine();
    CHECK(drop_impossible_devices(*machine, own).empty());
    CHECK(machine->uart.has_value());
    CHECK(machine->test_device.has_value());
    CHECK(machine->rtc.has_value());
    CHECK(machine->virtio.size() == 2);
    CHECK(machine->plic.has_value());
    CHECK(machine->harts[0].set_ssip.has_value());
}

TEST_CASE("a UART where something else is is dropped", "[device_check]") {
    const auto fault_at = [](std::uint64_t address) {
        const auto machine = good_machine();
        machine->uart->registers.base = {address};
        const DeviceComplaint said = complaint(*machine);
        CHECK(said.device.node == "serial");
        CHECK_FALSE(machine->uart.has_value());
        CHECK(machine->plic.has_value());
        return said.fault;
    };
    CHECK(fault_at(0) == nowhere);
    CHECK(fault_at(1ull << 56) == nowhere);
    CHECK(fault_at((1ull << 56) - 32) == nowhere);
    CHECK(fault_at(0x8800'0000) == in_memory);
    CHECK(fault_at(0x8030'0000) == in_memory);
    CHECK(fault_at(0x6000'0000) == in_memory);  // the hypervisor's own, wherever it lies
    CHECK(fault_at(0x8000'0000) == reserved);   // firmware
    CHECK(fault_at(0x7000'0ff0) == reserved);
}

TEST_CASE("of two devices in one place the first stays", "[device_check]") {
    const auto machine = good_machine();
    machine->plic->registers.base = {0xfff'f000};
    CHECK(complaint(*machine).fault == overlaps_device);
    CHECK(machine->uart.has_value());
    CHECK_FALSE(machine->plic.has_value());
}

TEST_CASE("a PLIC must reach as far as its contexts, with sources that there can be",
          "[device_check]") {
    for (const std::uint64_t size : {0ull, 4ull, 0x20'0000ull, 0x20'3000ull, 0x20'3007ull}) {
        const auto machine = good_machine();
        machine->plic->registers.size = size;
        CHECK(complaint(*machine).fault == too_small);
        CHECK_FALSE(machine->plic.has_value());
    }
    const auto just = good_machine();
    just->plic->registers.size = 0x20'3008;
    CHECK(drop_impossible_devices(*just, own).empty());
    just->harts[1].plic_context = ~0u;
    CHECK(complaint(*just).fault == too_small);
    for (const std::uint32_t sources : {1024u, ~0u}) {
        const auto machine = good_machine();
        machine->plic->sources = sources;
        CHECK(complaint(*machine).fault == too_many_sources);
        CHECK_FALSE(machine->plic.has_value());
    }
}

TEST_CASE("harts of an SSWI that cannot be are interrupted by the firmware", "[device_check]") {
    const auto machine = good_machine();
    machine->sswis[0].registers.base = {0x9000'0000};
    machine->harts[0].set_ssip = HostPhys{0x9000'0000};
    CHECK(complaint(*machine).device.node == "sswi");
    CHECK(machine->sswis.empty());
    CHECK_FALSE(machine->harts[0].set_ssip.has_value());
    CHECK(machine->harts[1].set_ssip.has_value());
}

TEST_CASE("a test device must be four bytes of nobody else's", "[device_check]") {
    const auto machine = good_machine();
    machine->test_device->registers = {{0x10'0000}, 2};
    CHECK(complaint(*machine).fault == too_small);
    CHECK_FALSE(machine->test_device.has_value());
}

TEST_CASE("a clock or a virtio slot where something else is is left out", "[device_check]") {
    const auto machine = good_machine();
    machine->rtc->registers = {{0x10'0000}, 0x20};
    CHECK(complaint(*machine).fault == overlaps_device);
    CHECK_FALSE(machine->rtc.has_value());
    machine->virtio[0].registers = {{0x8800'0000}, 0x200};
    CHECK(complaint(*machine).fault == in_memory);
    REQUIRE(machine->virtio.size() == 1);
    CHECK(machine->virtio[0].registers.base == HostPhys{0x1000'1000});
    machine->virtio[0].registers.size = 0x100;
    CHECK(complaint(*machine).fault == too_small);
}
