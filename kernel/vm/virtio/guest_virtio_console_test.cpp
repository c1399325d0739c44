// SPDX-License-Identifier: MIT
// A virtio console in a VM beside its UART: who has what is typed, and the turns between guests.
#include "kernel/vm/virtio/guest_virtio_console.hpp"

#include <array>
#include <vector>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/frame_arena.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using enum virtio_mmio::Register;

namespace {

constexpr std::uint64_t ram_size = 1 << 20;
constexpr std::uint64_t ram = 0x8000'0000;
constexpr std::uint64_t data_at = ram + 0x1'0000;
constexpr std::uint64_t first_slot = 7;

/// A VM of one CPU with a UART and a virtio console.
struct Bench {
    Bench() {
        const std::array plugged{&console.port()};
        vm.emplace("bench", guest_ram, GuestConsole{screen, keyboard}, GuestFeatures{},
                   MachineIds{}, room_for(1), GuestOptions{.virtio = plugged, .console = &console});
        console.port().serve(*vm);
        console.serve(*vm);
    }

    void set(virtio_mmio::Register which, std::uint64_t value) {
        const auto at = guest_map::virtio(first_slot).base + static_cast<std::uint64_t>(which);
        REQUIRE(vm->bus().write(at, AccessWidth::word, value));
    }
    std::uint64_t get(virtio_mmio::Register which) {
        const auto at = guest_map::virtio(first_slot).base + static_cast<std::uint64_t>(which);
        return vm->bus().read(at, AccessWidth::word).value();
    }
    void set_uart(uart16550::Register which, unsigned value) {
        REQUIRE(vm->bus().write(guest_map::uart.base + static_cast<std::uint64_t>(which),
                                AccessWidth::byte, value));
    }
    void read_by_interrupt(bool on) { set_uart(uart16550::Register::ier, on ? 1 : 0); }
    /// The oldest character in the UART; 0: none.
    char uart_character() {
        const auto at = [](uart16550::Register which) {
            return guest_map::uart.base + static_cast<std::uint64_t>(which);
        };
        const auto lsr = vm->bus().read(at(uart16550::Register::lsr), AccessWidth::byte);
        if ((lsr.value() & 1) == 0) return 0;
        return static_cast<char>(
            vm->bus().read(at(uart16550::Register::rbr), AccessWidth::byte).value());
    }
    template <class T>
    void store(std::uint64_t at, T value) {
        REQUIRE(vm->memory().store(GuestPhys{at}, value));
    }
    template <class T>
    T load(std::uint64_t at) {
        return vm->memory().load<T>(GuestPhys{at}).value();
    }

    /// The driver starts with two queues, and offers four buffers of 16 bytes for input.
    void open() {
        set(status, 0);
        set(driver_features_sel, 1);
        set(driver_features, 1);
        set(status, 11);
        for (const std::uint32_t queue : {0u, 1u}) {
            const std::uint64_t at = ram + queue * 0x4000;
            set(queue_sel, queue);
            set(queue_num, 4);
            set(queue_desc_low, at);
            set(queue_avail_low, at + 0x1000);
            set(queue_used_low, at + 0x2000);
            set(queue_ready, 1);
        }
        set(status, 15);
        for (std::uint16_t n = 0; n < 4; ++n) {
            store(ram + n * 16,
                  virtio_ring::Descriptor{data_at + n * 16, 16, virtio_ring::desc_write, 0});
            store(ram + 0x1004 + n * 2, n);
        }
        store(ram + 0x1002, std::uint16_t{4});
        store(ram + 0x2002, std::uint16_t{0});
        set(queue_notify, 0);
    }
    std::uint16_t received() { return load<std::uint16_t>(ram + 0x2002); }
    /// What the multiplexer does.
    void type(std::string_view text) {
        keyboard.type(text);
        vm->input_arrived();
        while (tasks.do_some()) {
        }
    }

    FreshFakes fakes;
    std::vector<std::byte> bytes = std::vector<std::byte>(ram_size);
    GuestMemory guest_ram{{ram}, bytes};
    DeviceTasks tasks;
    Transcript screen;
    Keyboard keyboard;
    ConsoleSize size{};
    GuestVirtioConsole console{screen, keyboard, size, {}, guest_ram, tasks};
    std::optional<Vm> vm;
};

}  // namespace

TEST_CASE("what is typed is the UART's until a driver opens the port", "[guest_virtio_console]") {
    Bench bench;
    bench.type("a");
    CHECK(bench.uart_character() == 'a');
    bench.open();
    bench.type("bc");
    CHECK(bench.uart_character() == 0);
    CHECK(bench.received() == 1);
    CHECK(bench.load<char>(data_at) == 'b');
    CHECK(bench.load<char>(data_at + 1) == 'c');
    bench.set(status, 0);
    bench.type("d");
    CHECK(bench.uart_character() == 'd');
}

TEST_CASE("a guest that reads its UART by interrupt has it there", "[guest_virtio_console]") {
    Bench bench;
    bench.read_by_interrupt(true);
    bench.open();
    bench.type("a");
    CHECK(bench.received() == 0);
    CHECK(bench.uart_character() == 'a');
    bench.read_by_interrupt(false);
    bench.type("b");
    CHECK(bench.received() == 1);
    CHECK(bench.uart_character() == 0);
}

TEST_CASE("what no buffer took is the UART's when that is read", "[guest_virtio_console]") {
    Bench bench;
    bench.open();
    for (int n = 0; n < 4; ++n)
        bench.type("0123456789abcdef");
    bench.type("x");
    CHECK(bench.received() == 4);
    CHECK(bench.keyboard.waiting() == 1);
    CHECK(bench.uart_character() == 0);
    bench.read_by_interrupt(true);
    CHECK(bench.uart_character() == 'x');
}

TEST_CASE("a guest that asks by SBI has it from then on", "[guest_virtio_console]") {
    Bench bench;
    bench.open();
    CHECK_FALSE(bench.vm->take_typed());
    bench.type("a");
    CHECK(bench.received() == 0);
    CHECK(bench.vm->take_typed() == std::byte{'a'});
    bench.open();
    bench.type("b");
    CHECK(bench.received() == 1);
}

TEST_CASE("a device that needs a reset leaves what is typed to the UART",
          "[guest_virtio_console]") {
    Bench bench;
    bench.open();
    bench.store(ram + 0x1002, std::uint16_t{99});
    bench.set(queue_notify, 0);
    bench.type("a");
    CHECK((bench.console.port().device().status() & virtio::status::needs_reset) != 0);
    bench.type("b");
    CHECK(bench.uart_character() == 'a');
    CHECK(bench.uart_character() == 'b');
}

TEST_CASE("a turn does not wait for who has the devices, and comes again",
          "[guest_virtio_console]") {
    Bench bench;
    bench.tasks.set_rate(10'000'000);
    bench.open();
    bench.keyboard.type("b");
    bench.vm->input_arrived();
    bench.vm->device_lock().lock();  // as a vCPU in a long access
    CHECK(bench.tasks.do_some());
    CHECK(bench.tasks.due() == 1000);
    CHECK_FALSE(bench.tasks.do_some());
    bench.vm->device_lock().unlock();
    CHECK(bench.received() == 0);
    csr_write<Csr::time>(1000);
    CHECK(bench.tasks.do_some());
    CHECK(bench.received() == 1);
    CHECK(bench.tasks.is_empty());
}

TEST_CASE("its size is what whoever looks at it says", "[guest_virtio_console]") {
    Bench bench;
    const auto at = guest_map::virtio(first_slot).base + 0x100;
    const auto read = [&](std::uint64_t offset) {
        return bench.vm->bus().read(at + offset, AccessWidth::half).value();
    };
    bench.size = {.cols = 80, .rows = 24};
    bench.vm->input_arrived();
    CHECK(read(0) == 80);
    CHECK(read(2) == 24);
    bench.open();
    const std::uint64_t generation = bench.get(config_generation);
    bench.size = {.cols = 100, .rows = 24};
    bench.vm->input_arrived();
    CHECK(read(0) == 100);
    CHECK(bench.get(config_generation) == generation + 1);
    CHECK(bench.get(interrupt_status) == virtio_mmio::interrupt::config_change);
    bench.set(interrupt_ack, 2);
    bench.vm->input_arrived();
    CHECK(bench.get(interrupt_status) == 0);
}

TEST_CASE("output that had no room goes on in a turn", "[guest_virtio_console]") {
    Bench bench;
    bench.open();
    bench.screen.room = 3;
    bench.store(ram + 0x4000, virtio_ring::Descriptor{data_at, 8, 0, 0});
    const std::array<char, 8> text{'0', '1', '2', '3', '4', '5', '6', '7'};
    bench.store(data_at, text);
    bench.store(ram + 0x5004, std::uint16_t{0});
    bench.store(ram + 0x5002, std::uint16_t{1});
    bench.set(queue_notify, 1);
    CHECK(bench.screen.text == "012");
    CHECK(bench.tasks.is_empty());
    bench.screen.room = 100;
    bench.vm->input_arrived();
    CHECK_FALSE(bench.tasks.is_empty());
    CHECK(bench.tasks.do_some());
    CHECK(bench.screen.text == "01234567");
    CHECK(bench.load<std::uint16_t>(ram + 0x6002) == 1);
}
