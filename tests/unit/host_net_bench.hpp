// SPDX-License-Identifier: MIT
// The machine's network device on the bench: a device that sends to a vector and receives what a
// test says, modern or legacy, with its driver and the driver's owner.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "kernel/host/virtio/host_net.hpp"
#include "tests/unit/host_virtio_bench.hpp"

namespace cairn::test {

using Bytes = std::vector<std::byte>;

/// A frame by its length; each byte is one more than the last.
inline Bytes frame_of(std::size_t size, unsigned first = 1) {
    Bytes frame(size);
    for (std::size_t n = 0; n < size; ++n)
        frame[n] = static_cast<std::byte>(first + n);
    return frame;
}

/// A network device that sends to a vector, and receives what a test says.
class NetFunction final : public VirtioFunction {
  public:
    std::uint32_t device_id() const override { return virtio::network_device_id; }
    std::uint64_t features() const override { return offers; }
    std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&says, 1));
    }
    std::span<VirtQueue> queues() override { return queues_; }
    bool work(DmaTurn& turn, VirtioPort& port) override {
        VirtQueue::Answer more = true;
        while (more && *more && !sleeps)
            more = send(turn);
        (void)end_work(queues_[virtio_net::transmit_queue], false, turn, port);
        more = true;
        while (more && *more && !wire.empty())
            more = receive(turn);
        (void)end_work(queues_[virtio_net::receive_queue], false, turn, port);
        return false;
    }
    void forget(const VirtQueue& /*queue*/) override {}

    std::uint64_t offers = virtio_net::feature::mac | virtio_net::feature::mtu |
                           virtio_net::feature::status | virtio_net::feature::mrg_rxbuf;
    virtio_net::Config says{.mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
                            .status = virtio_net::link_up,
                            .max_virtqueue_pairs = 1,
                            .mtu = 1400};
    bool merges() const { return (offers & virtio_net::feature::mrg_rxbuf) != 0; }
    std::deque<Bytes> wire;   ///< to be received, with headers
    std::vector<Bytes> sent;  ///< with headers
    bool sleeps = false;

  private:
    VirtQueue::Answer send(DmaTurn& turn) {
        VirtQueue& queue = queues_[virtio_net::transmit_queue];
        const auto taken = queue.take(turn, chain_);
        if (!taken || !*taken) return taken;
        Bytes bytes;
        for (BufferStream from = chain_.readable(); from.left() != 0;) {
            const auto piece = turn.piece(from.front(from.left()));
            bytes.insert(bytes.end(), piece.begin(), piece.end());
            from.advance(piece.size());
        }
        sent.push_back(bytes);
        (void)queue.give_back(turn, chain_.token(), 0);
        return true;
    }
    /// Into one buffer, or as many as it takes; where there are not so many it waits.
    VirtQueue::Answer receive(DmaTurn& turn) {
        VirtQueue& queue = queues_[virtio_net::receive_queue];
        const Bytes bytes = wire.front();
        std::size_t from = 0;
        std::uint16_t chains = 0;
        std::uint32_t entries = 0;
        do {
            const auto taken = queue.take(turn, chain_);
            if (!taken || !*taken) {
                queue.put_back(entries);
                return taken;
            }
            const std::size_t begin = from;
            for (BufferStream to = chain_.writable(); to.left() != 0 && from < bytes.size();) {
                const auto piece = turn.piece(to.front(bytes.size() - from));
                std::memcpy(piece.data(), &bytes[from], piece.size());
                to.advance(piece.size());
                from += piece.size();
            }
            entries += chain_.token().entries;
            written_[chains++] = {chain_.token(), static_cast<std::uint32_t>(from - begin)};
        } while (merges() && from < bytes.size());
        wire.pop_front();
        for (std::uint16_t n = 0; n < chains; ++n)
            (void)queue.write_used(turn, written_[n].token, written_[n].length);
        (void)queue.show_used(turn);
        return true;
    }

    std::array<VirtQueue, 2> queues_;
    DescriptorChain chain_;
    struct Written {
        ChainToken token;
        std::uint32_t length;
    };
    std::array<Written, VirtQueue::max_size> written_{};
};

/// A header that says nothing else.
inline virtio_net::PacketHeader of_buffers(std::uint16_t count) {
    virtio_net::PacketHeader header{};
    header.num_buffers = count;
    return header;
}

struct NetBench final : HostNetOwner {
    explicit NetBench(bool legacy = false) : device(function, legacy), is_legacy(legacy) {}
    std::size_t header_size() const {
        return is_legacy && !function.merges() ? virtio_net::legacy_header_size
                                               : sizeof(virtio_net::PacketHeader);
    }
    void wants_turn() override { ++wanted; }
    auto start() {
        const auto started = net->start(device, HostSource::virtio);
        if (started) net->serve(*this);
        wanted = 0;
        return started;
    }
    /// Its header's num_buffers is right, unless it is given.
    void arrive(const Bytes& frame, virtio_net::PacketHeader header = {}) {
        const std::size_t bytes = header_size() + frame.size();
        if (header.num_buffers == 0)
            header.num_buffers = static_cast<std::uint16_t>((bytes + HostNet::buffer_bytes - 1) /
                                                            HostNet::buffer_bytes);
        Bytes all(bytes);
        std::memcpy(all.data(), &header, header_size());
        std::ranges::copy(frame, all.begin() + static_cast<std::ptrdiff_t>(header_size()));
        function.wire.push_back(all);
    }
    /// The device's side, and its interrupt.
    void work() {
        device.work();
        if (device.wire.up) net->interrupted();
    }
    bool send(const Bytes& frame, void* token, std::size_t cut = 14) {
        const std::span<const std::byte> whole(frame);
        const std::array pieces{whole.first(cut), whole.first(0), whole.subspan(cut)};
        return net->send(header_of_sent, pieces, token);
    }
    /// Where the used ring of queue 0 or 1 lies.
    std::uint64_t used_ring(std::uint32_t queue) {
        using Register = virtio_mmio::Register;
        std::uint64_t at = 0;
        std::uint32_t selected = 0;
        for (const auto& write : device.writes) {
            if (write.which == Register::queue_sel) selected = write.value;
            if (selected != queue) continue;
            if (write.which == Register::queue_used_low) at |= write.value;
            if (write.which == Register::queue_used_high) at |= std::uint64_t{write.value} << 32;
        }
        return at;
    }
    void break_ring(std::uint32_t queue) {
        *reinterpret_cast<std::uint16_t*>(used_ring(queue) + virtio_ring::index_at) = 999;
    }

    NetFunction function;
    HostDevice device;
    LowPointer<HostNet> net;
    virtio_net::PacketHeader header_of_sent{};
    bool is_legacy;
    int wanted = 0;
};

inline bool is_same(std::span<const std::byte> one, const Bytes& other) {
    return std::ranges::equal(one, other);
}
inline bool is_same(const HostNet::Received& one, const Bytes& other) {
    Bytes bytes;
    for (const std::span<const std::byte> piece : one.pieces)
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    return one.size == bytes.size() && bytes == other;
}

}  // namespace cairn::test
