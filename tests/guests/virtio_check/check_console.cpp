// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "kernel/arch/devices/virtio_console_ports.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/virtio_check/device_kinds.hpp"

namespace cairn::guest {
namespace {

using virtio_console::Control;
namespace event = virtio_console::event;
namespace console_feature = virtio_console::feature;

constexpr std::uint32_t rx = virtio_console::receive_queue(0);
constexpr std::uint32_t tx = virtio_console::transmit_queue(0);
constexpr std::uint32_t control_rx = virtio_console::control_receive_queue;
constexpr std::uint32_t control_tx = virtio_console::control_transmit_queue;
constexpr auto with_ports = virtio::feature::version_1 | console_feature::multiport;
constexpr std::string_view second_name = "second.port";
constexpr std::string_view asked_for = "xyz";  // what the test types

std::array<DriverRing, 4> rings;
struct alignas(8) Message {
    Control control;
    std::array<char, 24> more;
};
std::array<Message, DriverRing::size> heard;
Control said;
std::array<char, 16> typed;
std::array<char, 3000> text;
const char quiet = '\r';

bool print_by_virtio(const VirtioDriver& driver, std::span<const DriverBuffer> buffers) {
    return is_used(driver, tx, rings[tx], buffers);
}

bool print_by_virtio(const VirtioDriver& driver, std::string_view words) {
    return print_by_virtio(
        driver, std::array{DriverBuffer{words.data(), static_cast<std::uint32_t>(words.size())}});
}

void say(const VirtioDriver& driver, std::uint16_t what, std::uint16_t value,
         std::uint32_t id = 0) {
    said = {.id = id, .event = what, .value = value};
    (void)is_used(driver, control_tx, rings[control_tx],
                  std::array{DriverBuffer{&said, sizeof said}});
}

/// Starts with ports, and has buffers for what the device has to say.
void start_with_ports(const VirtioDriver& driver) {
    start(driver, rings, with_ports);
    heard = {};
    for (std::uint16_t n = 0; n < heard.size(); ++n) {
        rings[control_rx].chain(n, std::array{DriverBuffer{&heard[n], sizeof(Message), true}});
        rings[control_rx].offer(n);
    }
    driver.notify(control_rx);
}

/// How many messages of `what` about port `id` have come.
std::ptrdiff_t count_of(std::uint16_t what, std::uint16_t value, std::uint32_t id = 0) {
    const std::uint16_t count = rings[control_rx].used_index();
    return std::ranges::count_if(std::span(heard).first(count), [=](const Message& each) {
        return each.control.id == id && each.control.event == what && each.control.value == value;
    });
}

void check_ports(Checks& checks, const VirtioDriver& driver) {
    checks.check((driver.offered() & console_feature::multiport) != 0, "MULTIPORT is offered");
    checks.check((driver.offered() & console_feature::size) != 0, "SIZE is offered");
    checks.check(driver.config<std::uint32_t>(4) >= 1, "there is a port at least");
    start_with_ports(driver);
    wait_a_little();
    checks.check(rings[control_rx].used_index() == 0, "nothing is said before DEVICE_READY");
    say(driver, event::device_ready, 1);
    checks.check(comes_true([] { return rings[control_rx].used_index() >= 1; }) &&
                     heard[0].control.event == event::port_add && heard[0].control.id == 0,
                 "port 0 is added");
    checks.check(rings[control_rx].last_used().length == sizeof(Control),
                 "a message has eight bytes");
    const auto added = rings[control_rx].used_index();
    say(driver, event::device_ready, 1);
    wait_a_little();
    checks.check(rings[control_rx].used_index() == added, "a port is added once");
    say(driver, event::port_ready, 1);
    checks.check(comes_true([] { return count_of(event::console_port, 1) == 1; }),
                 "port 0 is a console");
    checks.check(comes_true([] { return count_of(event::port_open, 1) == 1; }),
                 "and open at the other end");
    say(driver, event::port_open, 1);
    checks.check(print_by_virtio(driver, "virtio_check: by a port\n"), "the port prints");
}

/// A second port has a name, and is no console.
void check_second_port(Checks& checks, const VirtioDriver& driver) {
    checks.check(driver.config<std::uint32_t>(4) >= 2, "there is a second port");
    start_with_ports(driver);
    say(driver, event::device_ready, 1);
    checks.check(comes_true([] { return count_of(event::port_add, 1, 1) == 1; }),
                 "a second port is added");
    const auto added = rings[control_rx].used_index();
    say(driver, event::port_ready, 1, 1000);
    say(driver, event::port_open, 1, ~std::uint32_t{0});
    say(driver, 99, 1, 1);
    wait_a_little();
    checks.check(rings[control_rx].used_index() == added,
                 "nothing follows what is said of no port, or means nothing");
    say(driver, event::port_ready, 1, 1);
    checks.check(comes_true([] { return count_of(event::port_name, 1, 1) == 1; }),
                 "a second port has a name");
    const auto named = std::ranges::find_if(
        heard, [](const Message& each) { return each.control.event == event::port_name; });
    checks.check(named != heard.end() &&
                     std::string_view(named->more.data(), second_name.size()) == second_name,
                 "which is its own");
    checks.check(count_of(event::console_port, 1, 1) == 0, "it is no console");
}

void check_output(Checks& checks, const VirtioDriver& driver) {
    start(driver, std::span(rings).first(2));
    checks.check(print_by_virtio(driver, "virtio_check: by virtio\n"), "what is printed is used");
    checks.check(rings[tx].last_used().length == 0, "and nothing is written to its buffer");
    constexpr std::string_view pieces = "virtio_check: in pieces\n";
    checks.check(print_by_virtio(driver, std::array{DriverBuffer{pieces.data(), 1},
                                                    DriverBuffer{pieces.data() + 1, 12},
                                                    DriverBuffer{pieces.data() + 13, 11}}),
                 "buffers may be cut anywhere");
    std::ranges::fill(text, '.');
    text.back() = '\n';
    checks.check(print_by_virtio(driver, {text.data(), text.size()}), "a long buffer is printed");
}

void check_emergency(Checks& checks, const VirtioDriver& driver) {
    checks.check((driver.offered() & console_feature::emerg_write) != 0, "EMERG_WRITE is offered");
    driver.set(VirtioDriver::Register::status, 0);
    for (const char character : std::string_view("virtio_check: at once\n"))
        driver.set_config<std::uint32_t>(8, static_cast<unsigned char>(character));
}

/// The driver has opened the port, and nobody reads the UART.
void check_input(Checks& checks, const VirtioDriver& driver) {
    start(driver, std::span(rings).first(2));
    typed = {};
    std::uint32_t count = 0;
    rings[rx].chain(0, std::array{DriverBuffer{&typed, sizeof typed, true}});
    rings[rx].offer(0);
    driver.notify(rx);
    wait_a_little();
    checks.check(rings[rx].used_index() == 0, "no buffer is used before something is typed");
    (void)print_by_virtio(driver, "virtio_check: type\n");
    bool right = true;
    while (right && count < asked_for.size()) {
        right = rings[rx].wait_used();
        const std::uint32_t length = rings[rx].last_used().length;
        right = right && length != 0 && count + length <= asked_for.size() &&
                asked_for.substr(count, length) == std::string_view(typed.data(), length);
        count += length;
        rings[rx].offer(0);
        driver.notify(rx);
    }
    checks.check(right && count == asked_for.size(), "what is typed comes");
}

}  // namespace

void check_console(Checks& checks, unsigned slot) {
    const VirtioDriver driver(slot);
    const Subject subject{.checks = checks,
                          .driver = driver,
                          .slot = slot,
                          .device_id = virtio::console_device_id,
                          .queues = 4,
                          .queue = tx,
                          .buffer = {&quiet, 1}};
    check_registers(subject);
    check_negotiation(subject);
    check_order(subject);
    check_output(checks, driver);
    check_ports(checks, driver);
    check_second_port(checks, driver);
    check_emergency(checks, driver);
    check_input(checks, driver);
    check_interrupts(subject);
    check_indirect(subject);
    check_offences(subject);
    check_queue_reset(subject);
}

}  // namespace cairn::guest
