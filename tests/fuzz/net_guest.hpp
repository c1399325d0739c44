// SPDX-License-Identifier: MIT
// A guest with a network device at a switch, for a fuzzer: its driver keeps the rules or breaks
// them, and what it is given is held against what was sent.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <vector>

#include "kernel/dev/net/offload_set.hpp"
#include "kernel/dev/net/virtual_switch.hpp"
#include "kernel/dev/virtio/virtio_net.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/virtio_bench.hpp"

namespace cairn::test {

inline void require(bool condition) {
    if (!condition) std::abort();
}

class NetGuest final : NetWire, public SwitchPort {
  public:
    using Register = virtio_mmio::Register;
    using Descriptor = virtio_ring::Descriptor;
    static constexpr std::uint64_t memory_size = 0x1'0000;
    static constexpr std::uint32_t ring_size = 8;
    static constexpr std::uint64_t header_at = 0x8000'4000;  ///< what it sends
    static constexpr std::uint64_t data_at = 0x8000'5000;
    static constexpr std::uint64_t command_at = 0x8000'3000;
    static constexpr std::uint64_t answer_at = 0x8000'3f00;
    static constexpr std::uint64_t room_at = 0x8000'8000;  ///< what it receives
    static constexpr std::uint64_t room_size = 0x8000;

    NetGuest(VirtualSwitch& net, const Settings& settings, std::uint64_t& now)
        : SwitchPort(settings, device_function), net_(net), now_(now) {
        device.connect(wire);
        require(net_.connect(*this));
    }
    ~NetGuest() { net_.disconnect(*this); }

    static constexpr std::uint64_t area(std::uint64_t queue) { return 0x8000'1000 + queue * 0x800; }
    static constexpr std::uint64_t avail(std::uint64_t queue) { return area(queue) + 0x200; }
    static constexpr std::uint64_t used(std::uint64_t queue) { return area(queue) + 0x400; }

    void set(Register which, std::uint64_t value) {
        (void)device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            device.read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    /// A driver's start by the rules. `wanted`: features.
    void start(std::uint64_t wanted) {
        set(Register::status, 0);
        std::memset(memory.at({area(0)}), 0, 0x800 * queues());
        features = wanted & (device_function.features() | virtio::feature::ring_event_idx |
                             virtio::feature::ring_indirect_desc);
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features & 0xffff'ffff);
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, 1 | features >> 32);
        set(Register::status, virtio::status::features_ok);
        for (std::uint64_t queue = 0; queue < queues(); ++queue) {
            set(Register::queue_sel, queue);
            set(Register::queue_num, ring_size);
            set(Register::queue_desc_low, area(queue));
            set(Register::queue_desc_high, 0);
            set(Register::queue_avail_low, avail(queue));
            set(Register::queue_avail_high, 0);
            set(Register::queue_used_low, used(queue));
            set(Register::queue_used_high, 0);
            set(Register::queue_ready, 1);
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
        next = {};
        seen = {};
        posted.clear();
        expected.clear();
        over = 0;
        asked = {};
        malformed = device_function.losses().malformed;
        is_clean = keeps_rings = true;
    }
    [[nodiscard]] std::uint64_t queues() { return device_function.queues().size(); }
    [[nodiscard]] bool needs_reset() const {
        return (device.status() & virtio::status::needs_reset) != 0;
    }
    /// By the rules it has a place in the ring.
    [[nodiscard]] bool may_offer(std::uint64_t queue) {
        return static_cast<std::uint16_t>(next[queue] - used_index(queue)) < ring_size;
    }
    [[nodiscard]] std::uint16_t used_index(std::uint64_t queue) {
        return memory.load<std::uint16_t>(GuestPhys{used(queue) + 2});
    }
    void describe(std::uint64_t queue, std::uint64_t n, const Descriptor& descriptor) {
        memory.store(GuestPhys{area(queue) + n * 16}, descriptor);
    }
    void offer(std::uint64_t queue, std::uint16_t head) {
        memory.store(GuestPhys{avail(queue) + 4 + next[queue] % ring_size * 2u}, head);
        memory.store(GuestPhys{avail(queue) + 2}, ++next[queue]);
    }
    void notify(std::uint64_t queue) { set(Register::queue_notify, queue); }

    /// A receive buffer of its own for each head.
    void make_room(std::uint32_t size) {
        const auto head = static_cast<std::uint16_t>(next[0] % ring_size);
        const std::uint64_t at = room_at + head * (room_size / ring_size);
        describe(0, head, {at, size, virtio_ring::desc_write, 0});
        offer(0, head);
        posted.push_back({{at}, size});
    }

    /// A command by the rules, whatever is in it: answered at once, and done if the answer says so.
    /// `keep` is called before the device hears of it.
    template <class Keep>
    void command(std::span<const std::uint8_t> bytes, Keep keep) {
        memory.store(GuestPhys{answer_at}, std::uint8_t{0xee});
        std::memcpy(memory.at({command_at}), bytes.data(), bytes.size());
        describe(2, 0, {command_at, static_cast<std::uint32_t>(bytes.size()), 1, 1});
        describe(2, 1, {answer_at, 1, virtio_ring::desc_write, 0});
        offer(2, 0);
        keep();
        notify(2);
        while (is_clean && !needs_reset() && device.work()) {
        }
        if (!is_clean || needs_reset()) return;
        const bool is_obeyed = (features & virtio_net::feature::ctrl_vq) != 0;
        const auto answer = memory.load<std::uint8_t>(GuestPhys{answer_at});
        require(is_obeyed ? answer <= 1 && used_index(2) == next[2] : answer == 0xee);
        if (answer == 0) note(bytes);
    }
    /// What the device has shown since, where the driver has kept the rules: each frame once,
    /// whole, in the buffers posted, in their order.
    void look_at_received() {
        if (!is_clean || needs_reset()) return;
        const std::uint16_t end = used_index(0);
        require(static_cast<std::uint16_t>(end - seen[0]) <= posted.size());
        while (seen[0] != end)
            look_at_frame(end);
        if (passes_all()) require(expected.empty());
        expected.clear();
        check_sent();
    }
    /// Whether a frame arrives as it was sent, and as one.
    [[nodiscard]] bool passes_all() const {
        constexpr std::uint64_t all = virtio_net::feature::guest_csum |
                                      virtio_net::feature::guest_tso4 |
                                      virtio_net::feature::guest_tso6;
        return (features & all) == all;
    }

    BenchMemory memory{memory_size};
    BenchOwner owner;
    Wire wire;
    VirtioNet device_function{*this, memory};
    VirtioMmio device{device_function, memory, owner};
    bool has_turn = false;
    bool is_clean = false;     ///< its driver has kept the rules since it started
    bool keeps_rings = false;  ///< or at least has left them where they are
    std::uint64_t features = 0;
    std::array<std::uint16_t, 3> next{};
    std::array<std::uint16_t, 3> seen{};
    std::deque<GuestRange> posted;
    std::deque<std::vector<std::byte>> expected;  ///< frames that it has taken
    std::uint64_t over = 0;
    /// What its driver has asked for: promiscuous, all groups, and the addresses of the tables.
    struct {
        bool all = false;
        bool groups = false;
        std::optional<MacAddress> own;
        std::vector<MacAddress> table;
        bool is_long = false;
    } asked;
    std::uint64_t malformed = 0;
    std::vector<NetGuest*> others;

  private:
    MacAddress address() const override { return settings().address; }
    std::uint64_t offloads() const override { return OffloadSet::all_features; }
    void nothing_waits() override { net_.nothing_waits(*this); }
    void room_again() override { net_.room_again(*this); }
    void want_turn() override { has_turn = true; }
    void send_again() override { has_turn = true; }
    /// Who has taken it is known by the counts.
    bool send(const NetFrame& frame, std::uint32_t& copies) override {
        std::vector<std::uint64_t> before;
        for (NetGuest* const other : others)
            before.push_back(net_.report_of(*other).counts.received);
        const auto sent = net_.send(*this, frame, now_);
        copies = sent.copies;
        over += sent.is_over ? 1 : 0;
        std::uint64_t size = 0;
        for (const auto piece : frame.pieces)
            size += piece.size();
        require(size == frame.size);
        for (std::size_t n = 0; n < others.size(); ++n)
            if (net_.report_of(*others[n]).counts.received != before[n]) others[n]->expect(frame);
        return sent.is_over;
    }
    /// A command that has been done, in the terms of the specification.
    void note(std::span<const std::uint8_t> bytes) {
        require(bytes.size() >= 3);
        if (bytes[0] == 0) {
            require(bytes.size() == 3 && bytes[1] <= 1 && bytes[2] <= 1);
            (bytes[1] == 0 ? asked.all : asked.groups) = bytes[2] != 0;
            return;
        }
        require(bytes[0] == 1 && bytes[1] <= 1);
        if (bytes[1] == 1) {
            require(bytes.size() == 8);
            asked.own = address_at(bytes.subspan(2));
            return;
        }
        asked.table.clear();
        asked.is_long = false;
        bytes = bytes.subspan(2);
        for (int table = 0; table < 2; ++table) {
            require(bytes.size() >= 4 && bytes[2] == 0 && bytes[3] == 0);
            const std::size_t entries = bytes[0] + std::size_t{256} * bytes[1];
            require(bytes.size() >= 4 + entries * 6);
            asked.is_long = asked.is_long || entries > ReceiveFilter::most_addresses;
            for (std::size_t n = 0; n < entries; ++n)
                if (const auto each = address_at(bytes.subspan(4 + n * 6));
                    each.is_group() == (table == 1))
                    asked.table.push_back(each);
            bytes = bytes.subspan(4 + entries * 6);
        }
        require(bytes.empty());
    }
    static MacAddress address_at(std::span<const std::uint8_t> bytes) {
        MacAddress found;
        std::copy_n(bytes.begin(), found.bytes.size(), found.bytes.begin());
        return found;
    }
    /// Only what it has asked for comes, where it filters.
    void check_asked(const MacAddress& to) const {
        constexpr std::uint64_t filter =
            virtio_net::feature::ctrl_vq | virtio_net::feature::ctrl_rx;
        if (!is_clean || (features & filter) != filter || asked.all || asked.is_long) return;
        require(to == MacAddress{{255, 255, 255, 255, 255, 255}} ||
                to == asked.own.value_or(settings().address) || (to.is_group() && asked.groups) ||
                std::ranges::find(asked.table, to) != asked.table.end());
    }
    void expect(const NetFrame& frame) {
        check_asked(frame.destination());
        std::vector<std::byte> bytes;
        for (const auto piece : frame.pieces)
            bytes.insert(bytes.end(), piece.begin(), piece.end());
        expected.push_back(std::move(bytes));
    }
    /// Chain by chain what was sent has been given back: on its way, lost, or no frame.
    void check_sent() {
        const std::uint64_t done = over + device_function.losses().malformed - malformed;
        require(used_index(1) == static_cast<std::uint16_t>(done));
    }
    void look_at_frame(std::uint16_t end) {
        std::vector<std::byte> bytes;
        virtio_net::PacketHeader header{};
        std::uint16_t count = 1;
        for (std::uint16_t n = 0; n < count; ++n) {
            require(seen[0] != end);
            const auto element = memory.load<virtio_ring::UsedElement>(
                GuestPhys{used(0) + 4 + seen[0]++ % ring_size * 8u});
            const GuestRange buffer = posted.front();
            posted.pop_front();
            require(room_at + element.id * (room_size / ring_size) == buffer.base.value);
            require(element.length != 0 && element.length <= buffer.size);
            const std::byte* const from = memory.at(buffer.base);
            bytes.insert(bytes.end(), from, from + element.length);
            if (n == 0) {
                require(element.length >= sizeof header);
                std::memcpy(&header, from, sizeof header);
                count = header.num_buffers;
                require(count >= 1 && count <= ring_size);
                require(count == 1 || (features & virtio_net::feature::mrg_rxbuf) != 0);
                require(header.flags == 0 || (features & virtio_net::feature::guest_csum) != 0);
            }
        }
        bytes.erase(bytes.begin(), bytes.begin() + sizeof(virtio_net::PacketHeader));
        require(bytes.size() >= virtio_net::ethernet_header_size);
        require(header.flags == 0 ||
                std::size_t{header.csum_start} + header.csum_offset + 2 <= bytes.size());
        if (!passes_all()) return require(bytes.size() <= virtio_net::ethernet_header_size + 65535);
        require(!expected.empty() && bytes == expected.front());
        expected.pop_front();
    }

    VirtualSwitch& net_;
    std::uint64_t& now_;
};

}  // namespace cairn::test
