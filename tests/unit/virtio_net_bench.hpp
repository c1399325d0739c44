// SPDX-License-Identifier: MIT
// Guests with network devices on the bench, each on a wire that goes to another's device, or
// nowhere, and a driver that knows the rules.
#pragma once

#include "kernel/dev/net/offload_set.hpp"
#include "kernel/dev/virtio/virtio_net.hpp"
#include "tests/unit/virtio_bench.hpp"

namespace cairn::test {

/// Goes to another device, or nowhere.
struct BenchWire final : NetWire {
    MacAddress address() const override { return {{2, 0, 0, 0, 0, 7}}; }
    std::uint64_t offloads() const override { return has_offloads ? OffloadSet::all_features : 0; }
    bool send(const NetFrame& frame, std::uint32_t& copies) override {
        copies = 1;
        if (to == nullptr) return true;
        last = to->take(frame);
        ++sent;
        return last != FrameSink::Taken::no_room;
    }
    void nothing_waits() override { ++given_up; }
    void room_again() override { ++rooms; }
    void want_turn() override { ++turns; }

    FrameSink* to = nullptr;
    FrameSink::Taken last = FrameSink::Taken::never;
    bool has_offloads = true;
    int sent = 0;
    int rooms = 0;
    int given_up = 0;
    int turns = 0;
};

/// A guest with a network device, and its driver.
struct Guest {
    using Register = virtio_mmio::Register;
    static constexpr std::uint32_t size = 8;
    static constexpr std::uint64_t usual =
        virtio::feature::version_1 | virtio_net::feature::mac | virtio_net::feature::mrg_rxbuf |
        virtio_net::feature::csum | virtio_net::feature::guest_csum;

    explicit Guest(bool offloads = true) {
        net_wire.has_offloads = offloads;
        device.connect(wire);
    }
    std::uint64_t area(std::uint32_t queue) const { return 0x8000'1000 + queue * 0x4000; }
    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            device.read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    void set(Register which, std::uint64_t value) {
        (void)device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    void start(std::uint64_t features = usual) {
        set(Register::status, 0);
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features & 0xffff'ffff);
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, features >> 32);
        set(Register::status, virtio::status::features_ok);
        for (std::uint32_t queue = 0; queue < 3; ++queue) {
            std::memset(memory.at({area(queue)}), 0, 0x3000);
            set(Register::queue_sel, queue);
            set(Register::queue_num, size);
            set(Register::queue_desc_low, area(queue));
            set(Register::queue_avail_low, area(queue) + 0x1000);
            set(Register::queue_used_low, area(queue) + 0x2000);
            set(Register::queue_ready, 1);
            available[queue] = 0;
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    }
    void offer(std::uint32_t queue, std::uint16_t first, const std::vector<Buffer>& buffers) {
        for (std::size_t n = 0; n < buffers.size(); ++n) {
            const bool last = n + 1 == buffers.size();
            const auto index = static_cast<std::uint16_t>(first + n);
            memory.store(
                GuestPhys{area(queue) + index * 16u},
                virtio_ring::Descriptor{
                    buffers[n].at, buffers[n].size,
                    static_cast<std::uint16_t>((last ? 0 : 1) | (buffers[n].writable ? 2 : 0)),
                    static_cast<std::uint16_t>(last ? 0 : index + 1)});
        }
        const std::uint64_t ring = area(queue) + 0x1000;
        memory.store(GuestPhys{ring + 4 + available[queue] % size * 2u}, first);
        memory.store(GuestPhys{ring + 2}, ++available[queue]);
    }
    void notify(std::uint32_t queue) { set(Register::queue_notify, queue); }
    std::uint16_t used(std::uint32_t queue) {
        return memory.load<std::uint16_t>(GuestPhys{area(queue) + 0x2002});
    }
    virtio_ring::UsedElement element(std::uint32_t queue, std::uint32_t n) {
        return memory.load<virtio_ring::UsedElement>(
            GuestPhys{area(queue) + 0x2004 + n % size * 8});
    }
    bool needs_reset() { return (get(Register::status) & virtio::status::needs_reset) != 0; }

    /// Sends header and frame, whose destination is of no matter, by one descriptor each.
    void send(const virtio_net::PacketHeader& header, const std::vector<std::byte>& frame) {
        memory.store(GuestPhys{tx_at}, header);
        std::memcpy(memory.at({tx_at + 0x100}), frame.data(), frame.size());
        offer(1, 0, {{tx_at, 12}, {tx_at + 0x100, static_cast<std::uint32_t>(frame.size())}});
        notify(1);
    }
    /// Room for frames: buffers of `bytes` each, by descriptors of their own.
    void make_room(std::uint16_t count, std::uint32_t bytes) {
        for (std::uint16_t n = 0; n < count; ++n)
            offer(0, n, {{rx_at + n * 0x1000u, bytes, true}});
        notify(0);
    }
    std::vector<std::byte> received(std::uint32_t n, std::size_t count) {
        const std::byte* const from = memory.at({rx_at + n * 0x1000u});
        return {from, from + count};
    }
    virtio_net::PacketHeader received_header() {
        return memory.load<virtio_net::PacketHeader>(GuestPhys{rx_at});
    }

    static constexpr std::uint64_t tx_at = 0x8001'0000;
    static constexpr std::uint64_t rx_at = 0x8004'0000;

    BenchMemory memory;
    BenchOwner owner;
    Wire wire;
    BenchWire net_wire;
    VirtioNet net{net_wire, memory};
    VirtioMmio device{net, memory, owner};
    std::array<std::uint16_t, 3> available{};
};

struct Pair {
    explicit Pair(std::uint64_t features = Guest::usual, bool offloads = true)
        : a(offloads), b(offloads) {
        a.net_wire.to = &b.net;
        a.start(Guest::usual | (offloads ? virtio_net::feature::host_tso4 : 0));
        b.start(features);
    }
    Guest a;
    Guest b;
};

}  // namespace cairn::test
