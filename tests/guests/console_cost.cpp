// SPDX-License-Identifier: MIT
// Measures what a character of output costs by each way to the console: the UART as drivers use it
// (its status is read before each character), SBI DBCN, and the virtio console in slot 7. Prints
//
//     figure uart 80 203.5        way, bytes at a time, instructions a character
//
// These are instructions under QEMU's `-icount shift=0,sleep=off`, where an instruction takes 1 ns
// and a tick of `time` is 100 of them. tools/measure_console.py makes a table of it.
#include <algorithm>
#include <array>

#include "kernel/arch/devices/virtio_console_ports.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/virtio_driver.hpp"

namespace cairn::guest {
namespace {

using enum virtio_mmio::Register;

constexpr std::uint64_t instructions_per_tick = 100;
constexpr unsigned slot = 7;
constexpr std::size_t characters = 16'384;
constexpr std::array sizes{std::size_t{16}, std::size_t{80}, std::size_t{256}, std::size_t{4096}};

alignas(64) std::array<char, 4096> text;
std::array<char, 16> typed;
VirtioDriver driver(slot);
DriverRing input;
DriverRing output;

void write_by_uart(std::string_view part) {
    for (const char character : part)
        uart_put(character);
}

void write_by_sbi(std::string_view part) {
    while (!part.empty()) {
        const auto address = reinterpret_cast<std::uint64_t>(part.data());
        const SbiResult written =
            sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, part.size(), address, 0u);
        part.remove_prefix(written.value);
    }
}

/// As Linux does: it waits until the device has used the buffer.
void write_by_virtio(std::string_view part) {
    output.describe(0, {reinterpret_cast<std::uint64_t>(part.data()),
                        static_cast<std::uint32_t>(part.size()), 0, 0});
    const std::uint16_t before = output.used_index();
    output.offer(0);
    driver.notify(virtio_console::transmit_queue(0));
    while (output.used_index() == before) {
    }
}

bool start_virtio() {
    if (driver.get(device_id) != virtio::console_device_id) return false;
    const std::uint32_t status_now =
        driver.negotiate(virtio::feature::version_1 | virtio::feature::ring_event_idx);
    driver.set_up(virtio_console::receive_queue(0), input);
    driver.set_up(virtio_console::transmit_queue(0), output);
    output.set_used_event(0x8000);  // no interrupts: they are not what is measured
    input.describe(
        0, {reinterpret_cast<std::uint64_t>(&typed), sizeof typed, virtio_ring::desc_write, 0});
    input.offer(0);
    driver.set(status, status_now | virtio::status::driver_ok);
    driver.notify(virtio_console::receive_queue(0));
    return true;
}

void measure(std::string_view name, void (*write)(std::string_view)) {
    for (const std::size_t size : sizes) {
        const std::string_view part(text.data(), size);
        write(part);  // pages are touched, ways are known
        const std::size_t rounds = characters / size;
        const std::uint64_t begin = read_time();
        for (std::size_t n = 0; n < rounds; ++n)
            write(part);
        const std::uint64_t ticks = read_time() - begin;
        const std::uint64_t tenths =
            (ticks * instructions_per_tick * 10 + rounds * size / 2) / (rounds * size);
        println("figure {} {} {}.{}", name, size, tenths / 10, tenths % 10);
    }
}

}  // namespace

void run(std::string_view) {
    for (std::size_t n = 0; n < text.size(); ++n)
        text[n] = n % 16 == 15 ? '\n' : '.';
    println("console_cost: begins");
    measure("uart", write_by_uart);
    if (sbi_has(SbiExtension::dbcn)) measure("dbcn", write_by_sbi);
    if (start_virtio()) measure("virtio", write_by_virtio);
    println("console_cost: ends");
}

}  // namespace cairn::guest
