// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_console.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
namespace event = virtio_console::event;
namespace feature = virtio_console::feature;

namespace {

constexpr std::uint32_t rx = virtio_console::receive_queue(0);
constexpr std::uint32_t tx = virtio_console::transmit_queue(0);
constexpr std::uint32_t control_rx = virtio_console::control_receive_queue;
constexpr std::uint32_t control_tx = virtio_console::control_transmit_queue;
constexpr std::uint64_t with_ports = virtio::feature::version_1 | feature::multiport;

constexpr std::uint64_t with_size = virtio::feature::version_1 | feature::size;

struct PortKeyboard final : PortInput {
    std::optional<uart16550::Character> take() override { return keyboard.take(); }
    void port_reads(bool reads) override {
        is_read = reads;
        ++changes;
    }
    Keyboard keyboard;
    bool is_read = false;
    int changes = 0;
};

/// A driver of four queues, whose rings lie 4 KiB apart for each.
struct Bench {
    using Register = virtio_mmio::Register;
    static constexpr std::uint32_t size = 8;
    static constexpr std::uint64_t data_at = 0x8001'0000;

    Bench() { device.connect(wire); }

    static std::uint64_t descriptors(std::uint32_t queue) { return 0x8000'0000 + queue * 0x1000; }
    static std::uint64_t avail(std::uint32_t queue) { return descriptors(queue) + 0x400; }
    static std::uint64_t used(std::uint32_t queue) { return descriptors(queue) + 0x800; }
    static std::uint64_t room(std::uint32_t queue) { return data_at + queue * 0x1000; }

    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            device.read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    void set(Register which, std::uint64_t value) {
        (void)device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    void start(std::uint64_t features = virtio::feature::version_1,
               std::initializer_list<std::uint32_t> which = {0, 1, 2, 3}) {
        set(Register::status, 0);
        for (const unsigned word : {0u, 1u}) {
            set(Register::driver_features_sel, word);
            set(Register::driver_features, features >> (32 * word) & 0xffff'ffff);
        }
        set(Register::status, virtio::status::features_ok);
        for (const std::uint32_t queue : which) {
            std::memset(memory.at({descriptors(queue)}), 0, 0x1000);
            next[queue] = 0;
            set(Register::queue_sel, queue);
            set(Register::queue_num, size);
            set(Register::queue_desc_low, descriptors(queue));
            set(Register::queue_avail_low, avail(queue));
            set(Register::queue_used_low, used(queue));
            set(Register::queue_ready, 1);
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    }
    /// Offers one buffer by the descriptor of its turn.
    void offer(std::uint32_t queue, Buffer buffer) {
        const std::uint32_t index = next[queue] % size;
        memory.store(
            GuestPhys{descriptors(queue) + index * 16},
            virtio_ring::Descriptor{
                buffer.at, buffer.size,
                static_cast<std::uint16_t>(buffer.writable ? virtio_ring::desc_write : 0), 0});
        memory.store(GuestPhys{avail(queue) + 4 + index * 2}, static_cast<std::uint16_t>(index));
        memory.store(GuestPhys{avail(queue) + 2}, ++next[queue]);
    }
    void notify(std::uint32_t queue) { set(Register::queue_notify, queue); }
    void finish() {
        while (device.work()) {
        }
    }
    void print(std::string_view text) {
        std::memcpy(memory.at({room(tx)}), text.data(), text.size());
        offer(tx, {room(tx), static_cast<std::uint32_t>(text.size())});
        notify(tx);
    }
    void say(std::uint16_t what, std::uint16_t value, std::uint32_t id = 0) {
        memory.store(GuestPhys{room(control_tx)}, virtio_console::Control{id, what, value});
        offer(control_tx, {room(control_tx), sizeof(virtio_console::Control)});
        notify(control_tx);
    }
    std::uint16_t used_count(std::uint32_t queue) {
        return memory.load<std::uint16_t>(GuestPhys{used(queue) + 2});
    }
    std::uint32_t used_length(std::uint32_t queue, std::uint32_t n) {
        return memory.load<virtio_ring::UsedElement>(GuestPhys{used(queue) + 4 + n % size * 8})
            .length;
    }
    /// Buffers of 32 bytes for what the device has to say.
    void listen(std::uint32_t queue, int buffers = 8) {
        for (int n = 0; n < buffers; ++n)
            offer(queue, {room(queue) + next[queue] * 32u, 32, true});
        notify(queue);
    }
    virtio_console::Control heard(std::uint32_t n) {
        return memory.load<virtio_console::Control>(GuestPhys{room(control_rx) + n * 32});
    }
    std::string text_at(std::uint64_t at, std::size_t length) {
        return {reinterpret_cast<const char*>(memory.at({at})), length};
    }
    void type(std::string_view text) {
        input.keyboard.type(text);
        if (console.look()) finish();
    }
    bool needs_reset() { return (get(Register::status) & virtio::status::needs_reset) != 0; }

    BenchMemory memory;
    BenchOwner owner;
    Wire wire;
    Transcript screen;
    PortKeyboard input;
    VirtioConsole console{screen, input};
    VirtioMmio device{console, memory, owner};
    std::array<std::uint16_t, 4> next{};
};

}  // namespace

TEST_CASE("what is transmitted is printed, and its buffer is used", "[virtio_console]") {
    Bench bench;
    CHECK(bench.get(virtio_mmio::Register::device_id) == 3);
    bench.start();
    bench.print("hello\n");
    CHECK(bench.screen.text == "hello\n");
    CHECK(bench.used_count(tx) == 1);
    CHECK(bench.used_length(tx, 0) == 0);
    CHECK(bench.wire.up);
}

TEST_CASE("without ports the console is open at once", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.listen(rx, 1);
    CHECK(bench.input.is_read);
    bench.type("ls\r");
    CHECK(bench.used_length(rx, 0) == 3);
    CHECK(bench.text_at(bench.room(rx), 3) == "ls\r");
    bench.type("x");  // no buffer is there
    CHECK(bench.input.keyboard.waiting() == 1);
    bench.listen(rx, 1);
    CHECK(bench.input.keyboard.waiting() == 0);
    CHECK(bench.used_count(rx) == 2);
}

TEST_CASE("a break is a zero", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.listen(rx, 1);
    bench.input.keyboard.type(
        {.value = std::byte{0}, .errors = uart16550::lsr::break_interrupt::mask});
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.used_length(rx, 0) == 1);
    CHECK(*bench.memory.at({bench.room(rx)}) == std::byte{0});
}

TEST_CASE("what is typed fills buffers of any size", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.offer(rx, {bench.room(rx), 2, true});
    bench.offer(rx, {bench.room(rx) + 16, 2, true});
    bench.notify(rx);
    bench.type("abc");
    CHECK(bench.used_count(rx) == 2);
    CHECK(bench.used_length(rx, 0) == 2);
    CHECK(bench.used_length(rx, 1) == 1);
    CHECK(bench.text_at(bench.room(rx) + 16, 1) == "c");
}

TEST_CASE("device and driver agree about the port", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    CHECK(bench.device.read(0x104, AccessWidth::word) == 1u);
    bench.listen(control_rx);
    bench.listen(rx);
    CHECK(bench.used_count(control_rx) == 0);
    bench.say(event::device_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 1);
    CHECK(bench.heard(0).event == event::port_add);
    CHECK(bench.heard(0).id == 0);
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 4);
    CHECK(bench.heard(1).event == event::console_port);
    CHECK(bench.heard(1).value == 1);
    CHECK(bench.heard(2).event == event::port_name);
    CHECK(bench.used_length(control_rx, 2) == 8 + VirtioConsole::port_name.size());
    CHECK(bench.text_at(bench.room(control_rx) + 64 + 8, 7) == VirtioConsole::port_name);
    CHECK(bench.heard(3).event == event::port_open);
    CHECK(bench.heard(3).value == 1);
    CHECK_FALSE(bench.input.is_read);
    bench.type("a");
    CHECK(bench.used_count(rx) == 0);  // not open yet
    bench.say(event::port_open, 1);
    CHECK(bench.input.is_read);
    CHECK(bench.used_count(rx) == 1);
    bench.say(event::port_open, 0);
    CHECK_FALSE(bench.input.is_read);
    bench.type("b");
    CHECK(bench.used_count(rx) == 1);
}

TEST_CASE("a size is in the configuration, and its change is told of", "[virtio_console]") {
    Bench bench;
    CHECK((bench.console.features() & feature::size) != 0);
    CHECK(bench.device.read(0x100, AccessWidth::half) == 0u);
    CHECK(bench.console.resize({80, 24}));
    CHECK_FALSE(bench.console.resize({80, 24}));
    CHECK(bench.console.resize({132, 50}));
    bench.start(with_size);
    CHECK(bench.device.read(0x100, AccessWidth::half) == 132u);
    CHECK(bench.device.read(0x102, AccessWidth::half) == 50u);
    CHECK_FALSE(bench.console.look());  // reading is all that there is to do
}

TEST_CASE("a port that is ready is told its size, and each that follows", "[virtio_console]") {
    Bench bench;
    bench.start(with_size | feature::multiport);
    bench.listen(control_rx);
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 3);  // nobody knows it
    CHECK(bench.console.resize({80, 24}));
    CHECK(bench.console.resize({100, 30}));
    CHECK(bench.console.look());
    bench.finish();
    REQUIRE(bench.used_count(control_rx) == 4);
    CHECK(bench.heard(3).event == event::resize);
    CHECK(bench.heard(3).id == 0);
    CHECK(bench.used_length(control_rx, 3) == 12);
    CHECK(bench.memory.load<virtio_console::Size>(GuestPhys{bench.room(control_rx) + 3 * 32 + 8}) ==
          virtio_console::Size{.cols = 100, .rows = 30});

    bench.start(with_size | feature::multiport);
    bench.listen(control_rx);
    CHECK(bench.console.resize({80, 24}));
    CHECK_FALSE(bench.console.look());  // not ready
    bench.say(event::port_ready, 1);
    REQUIRE(bench.used_count(control_rx) == 4);
    bench.say(event::port_ready, 0);
    CHECK(bench.console.resize({81, 24}));
    CHECK_FALSE(bench.console.look());
    bench.finish();
    CHECK(bench.used_count(control_rx) == 4);
}

TEST_CASE("a port is added once, however often a driver is ready", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(control_rx);
    bench.say(event::device_ready, 1);
    bench.say(event::device_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
    bench.start(with_ports);
    bench.listen(control_rx);
    bench.say(event::device_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
}

TEST_CASE("messages wait for buffers; what they do not say changes nothing", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.say(event::device_ready, 0);
    bench.say(event::port_ready, 1, 1);  // of another port
    bench.say(event::port_open, 1, 7);
    bench.say(77, 1);
    bench.listen(control_rx, 1);
    CHECK(bench.used_count(control_rx) == 0);
    bench.say(event::device_ready, 1);
    bench.say(event::port_ready, 1);
    CHECK(bench.used_count(control_rx) == 1);
    CHECK(bench.used_count(control_tx) == 6);
    bench.listen(control_rx, 3);
    CHECK(bench.used_count(control_rx) == 4);
    CHECK_FALSE(bench.input.is_read);
}

TEST_CASE("a reset ends the reading", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(rx);
    bench.say(event::port_open, 1);
    CHECK(bench.input.is_read);
    bench.set(virtio_mmio::Register::status, 0);
    CHECK_FALSE(bench.input.is_read);
    CHECK(bench.input.changes == 2);
    CHECK_FALSE(bench.console.look());
}

TEST_CASE("a sink that is full keeps the buffer until it has room", "[virtio_console]") {
    Bench bench;
    bench.start(virtio::feature::version_1, {tx});
    bench.screen.room = 4;
    bench.print("0123456789");
    CHECK(bench.screen.text == "0123");
    CHECK(bench.used_count(tx) == 0);
    CHECK(bench.owner.wanted == 0);  // nobody tries until there is room
    CHECK_FALSE(bench.wire.up);
    bench.notify(tx);
    CHECK(bench.screen.text == "0123");
    bench.screen.room = 7;
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.screen.text == "0123456");
    bench.screen.room = 100;
    CHECK(bench.console.look());
    bench.finish();
    CHECK(bench.screen.text == "0123456789");
    CHECK(bench.used_count(tx) == 1);
    CHECK(bench.wire.up);
    CHECK_FALSE(bench.console.look());
}

TEST_CASE("a huge buffer is written in turns", "[virtio_console]") {
    Bench bench;
    bench.start();
    std::memset(bench.memory.at({bench.data_at}), 'x', 0x8000);
    bench.offer(tx, {bench.data_at, 0x8000});
    bench.notify(tx);
    CHECK(bench.screen.text.size() == 2048);  // 64 KiB at 32 a byte
    CHECK(bench.owner.wanted == 1);
    CHECK(bench.used_count(tx) == 0);
    int turns = 2;  // the first and the last
    while (bench.device.work())
        ++turns;
    CHECK(turns == 16);
    CHECK(bench.screen.text.size() == 0x8000);
    CHECK(bench.used_count(tx) == 1);
}

TEST_CASE("what is half written is forgotten by a reset of the device", "[virtio_console]") {
    Bench bench;
    bench.start();
    bench.screen.room = 2;
    bench.print("old");
    bench.start(virtio::feature::version_1, {tx});
    bench.screen.room = 100;
    CHECK_FALSE(bench.console.look());
    bench.print("new");
    CHECK(bench.screen.text == "olnew");
    CHECK(bench.used_count(tx) == 1);
}

TEST_CASE("a character can be written before all set-up", "[virtio_console]") {
    Bench bench;
    CHECK(bench.device.write(0x108, AccessWidth::word, 0x1'0041));
    CHECK(bench.device.write(0x108, AccessWidth::byte, 'B'));
    CHECK(bench.device.write(0x104, AccessWidth::word, 'C'));
    CHECK(bench.screen.text == "AB");
    CHECK(bench.device.read(0x108, AccessWidth::word) == 0u);
}

TEST_CASE("messages and buffers that are too short are against the rules", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.offer(control_tx, {bench.room(control_tx), 7});
    bench.notify(control_tx);
    CHECK(bench.needs_reset());

    bench.start(with_ports);
    bench.offer(control_rx, {bench.room(control_rx), 7, true});
    bench.say(event::device_ready, 1);
    CHECK(bench.needs_reset());

    bench.start();
    bench.offer(rx, {bench.room(rx), 16});  // not to be written to
    bench.notify(rx);
    CHECK_FALSE(bench.needs_reset());
    bench.type("a");
    CHECK(bench.needs_reset());
    CHECK(bench.owner.log.size() == 3);
}

TEST_CASE("a name is cut to its buffer", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    for (unsigned n = 0; n < 4; ++n)
        bench.offer(control_rx, {bench.room(control_rx) + n * 32u, 10, true});
    bench.say(event::port_ready, 1);
    CHECK(bench.used_length(control_rx, 1) == 10);
    CHECK(bench.text_at(bench.room(control_rx) + 32 + 8, 3) == std::string("co\0", 3));
}

TEST_CASE("no interrupt comes for what did not happen", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports);
    bench.listen(rx);
    bench.listen(control_rx);
    bench.notify(tx);
    CHECK(bench.wire.calls == 0);
    bench.memory.store(GuestPhys{bench.avail(tx)}, virtio_ring::avail_no_interrupt);
    bench.print("quiet");
    CHECK(bench.screen.text == "quiet");
    CHECK(bench.wire.calls == 0);
}

TEST_CASE("queues that are not set up are left alone", "[virtio_console]") {
    Bench bench;
    bench.start(with_ports, {tx});
    bench.print("only output");
    CHECK(bench.screen.text == "only output");
    bench.type("a");
    CHECK(bench.input.keyboard.waiting() == 1);
}
