// SPDX-License-Identifier: MIT
// A virtio console on the bench: a driver of its queues, and ends of its ports that tests look at.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "kernel/dev/virtio/virtio_console.hpp"
#include "tests/unit/virtio_bench.hpp"

namespace cairn::test {

namespace event = virtio_console::event;
namespace feature = virtio_console::feature;

inline constexpr std::uint32_t rx = virtio_console::receive_queue(0);
inline constexpr std::uint32_t tx = virtio_console::transmit_queue(0);
inline constexpr std::uint32_t control_rx = virtio_console::control_receive_queue;
inline constexpr std::uint32_t control_tx = virtio_console::control_transmit_queue;
inline constexpr std::uint64_t with_ports = virtio::feature::version_1 | feature::multiport;

inline constexpr std::uint64_t with_size = virtio::feature::version_1 | feature::size;

/// Somebody's end of a port, who is there from the beginning.
struct PortEnd final : ConsoleEnd {
    explicit PortEnd(std::string_view its_name) : called(its_name) {}
    std::string_view name() const override { return called; }
    std::size_t read(std::span<std::byte> to) override {
        std::size_t count = 0;
        while (count < to.size() && keyboard.waiting() != 0)
            to[count++] = keyboard.take()->value;
        return count;
    }
    std::size_t write(std::span<const std::byte> from) override { return screen.put(from); }
    std::uint32_t turns() override { return changes_of_end; }
    void port_reads(bool reads) override {
        is_read = reads;
        ++changes;
    }
    std::string_view called;
    std::uint32_t changes_of_end = 1;
    Transcript screen;
    Keyboard keyboard;
    bool is_read = false;
    int changes = 0;
};

/// A driver of four queues, whose rings lie 4 KiB apart for each.
template <std::size_t OthersCount>
struct ConsoleDeviceBench {
    using Register = virtio_mmio::Register;
    static constexpr std::uint32_t size = 8;
    static constexpr std::uint64_t data_at = 0x8001'0000;

    ConsoleDeviceBench() { device.connect(wire); }

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
    PortEnd input{"console"};
    Transcript& screen = input.screen;
    PortEnd agent{"agent"};
    PortEnd other{"a-name-that-is-longer-than-there-is-room-for"};
    std::array<ConsoleEnd*, 2> others{&agent, &other};
    VirtioConsole console{input, std::span(others).first(OthersCount)};
    VirtioMmio device{console, memory, owner};
    std::array<std::uint16_t, 8> next{};
};

}  // namespace cairn::test
