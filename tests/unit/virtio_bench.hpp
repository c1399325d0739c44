// SPDX-License-Identifier: MIT
// A virtio device on the bench: 1 MiB of guest memory, a wire, an owner that remembers, and a
// driver that knows the rules, so that a test can break one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/dev/virtio/virtio_block.hpp"
#include "kernel/dev/virtio/virtio_mmio.hpp"
#include "tests/unit/device_doubles.hpp"

namespace cairn::test {

/// RAM at 0x8000_0000, all of which but `slow` is ready.
class BenchMemory final : public DmaMemory {
  public:
    static constexpr GuestPhys base{0x8000'0000};
    static constexpr std::uint64_t usual_size = 1 << 20;

    explicit BenchMemory(std::uint64_t bytes = usual_size)
        : DmaMemory({base, bytes}), words_(bytes / 8) {}

    bool is_ready(GuestRange range) const override { return !slow.overlaps(range); }
    std::span<std::byte> piece(GuestRange range) override {
        if (refuses.overlaps(range)) return {};
        const std::uint64_t in_piece = piece_size - (range.base - base) % piece_size;
        return {at(range.base), std::min(range.size, in_piece)};
    }

    /// Of 64 KiB, or a piece.
    DmaWindow window(GuestPhys where) override {
        const std::uint64_t size = std::min<std::uint64_t>(piece_size, 64 << 10);
        const GuestRange range{where - (where - base) % size, size};
        if (!holds(range) || !is_ready(range) || refuses.overlaps(range)) return {};
        ++windows_found;
        return {range.base, range.size, at(range.base)};
    }
    /// It changes with what a test sets.
    std::uint64_t generation() const override {
        return slow.base.value + slow.size + 3 * (refuses.base.value + refuses.size) + piece_size;
    }

    std::uint8_t begin_use() override {
        ++uses;
        return 7;
    }
    void end_use(std::uint8_t begun) override {
        if (begun != 7) std::abort();
        --uses;
    }

    std::byte* at(GuestPhys where) {
        return reinterpret_cast<std::byte*>(words_.data()) + (where - base);
    }
    template <class T>
    T load(GuestPhys where) {
        T value;
        std::memcpy(&value, at(where), sizeof value);
        return value;
    }
    template <class T>
    void store(GuestPhys where, const T& value) {
        std::memcpy(at(where), &value, sizeof value);
    }

    int windows_found = 0;
    int uses = 0;  ///< that have begun, and not ended
    GuestRange slow{};
    GuestRange refuses{};
    std::uint64_t piece_size = usual_size;

  private:
    std::vector<std::uint64_t> words_;
};

class BenchOwner final : public VirtioOwner {
  public:
    void want_work() override { ++wanted; }
    void complain(std::string_view sentence) override { log.emplace_back(sentence); }

    int wanted = 0;
    std::vector<std::string> log;
};

/// Blocks in ordinary memory.
class BenchStore final : public BlockStore {
  public:
    explicit BenchStore(std::size_t sectors, bool read_only = false)
        : bytes(sectors * virtio_block::sector_size), read_only_(read_only) {
        for (std::size_t n = 0; n < bytes.size(); ++n)
            bytes[n] = static_cast<std::byte>(n / 512 + n);
    }
    std::uint64_t size() const override { return bytes.size(); }
    bool is_read_only() const override { return read_only_; }
    std::string_view id() const override { return "bench.img"; }
    void read(std::uint64_t offset, std::span<std::byte> to) override {
        std::memcpy(to.data(), &bytes.at(offset + to.size() - 1) - (to.size() - 1), to.size());
    }
    bool write(std::uint64_t offset, std::span<const std::byte> from) override {
        if (full) return false;
        std::memcpy(&bytes.at(offset + from.size() - 1) - (from.size() - 1), from.data(),
                    from.size());
        return true;
    }
    bool zero(std::uint64_t offset, std::uint64_t count) override {
        if (full) return false;
        std::memset(&bytes.at(offset + count - 1) - (count - 1), 0, count);
        return true;
    }

    std::vector<std::byte> bytes;
    bool full = false;

  private:
    bool read_only_;
};

struct Buffer {
    std::uint64_t at;
    std::uint32_t size;
    bool writable = false;
};

class VirtioBench {
  public:
    using Register = virtio_mmio::Register;
    static constexpr std::uint64_t descriptors = 0x8000'1000;
    static constexpr std::uint64_t avail = 0x8000'2000;
    static constexpr std::uint64_t used = 0x8000'3000;
    static constexpr std::uint32_t queue_size = 8;
    static constexpr std::uint64_t usual_features =
        virtio::feature::version_1 | virtio::feature::ring_indirect_desc;

    explicit VirtioBench(bool read_only = false, std::size_t sectors = 1024,
                         std::uint64_t memory_size = BenchMemory::usual_size,
                         std::uint32_t queues = 1)
        : memory(memory_size), store(sectors, read_only), block(store, queues) {
        device.connect(wire);
    }

    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            device.read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    void set(Register which, std::uint64_t value) {
        (void)device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }

    std::uint64_t offered() {
        set(Register::device_features_sel, 1);
        const std::uint64_t high = get(Register::device_features);
        set(Register::device_features_sel, 0);
        return high << 32 | get(Register::device_features);
    }
    void accept(std::uint64_t features) {
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features & 0xffff'ffff);
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, features >> 32);
    }
    void negotiate(std::uint64_t features = usual_features) {
        set(Register::status, 0);
        set(Register::status, virtio::status::acknowledge);
        set(Register::status, virtio::status::driver);
        accept(features);
        set(Register::status, virtio::status::features_ok);
    }
    void set_up_queue(std::uint32_t size = queue_size) {
        set(Register::queue_sel, 0);
        set(Register::queue_num, size);
        set(Register::queue_desc_low, descriptors);
        set(Register::queue_desc_high, 0);
        set(Register::queue_avail_low, avail);
        set(Register::queue_avail_high, 0);
        set(Register::queue_used_low, used);
        set(Register::queue_used_high, 0);
        set(Register::queue_ready, 1);
    }
    /// All that a driver does before its first request.
    void start(std::uint64_t features = usual_features) {
        std::memset(memory.at({descriptors}), 0, 0x3000);
        negotiate(features);
        set_up_queue();
        set(Register::status, virtio::status::driver_ok);
        next_avail = next_used = 0;
    }

    void describe(std::uint32_t index, const virtio_ring::Descriptor& descriptor,
                  std::uint64_t table = descriptors) {
        memory.store(GuestPhys{table + index * 16}, descriptor);
    }
    /// Writes the buffers into `table` from `first` on, linked.
    void chain(std::uint32_t first, const std::vector<Buffer>& buffers,
               std::uint64_t table = descriptors) {
        for (std::uint32_t n = 0; n < buffers.size(); ++n) {
            const bool last = n + 1 == buffers.size();
            const auto flags =
                static_cast<std::uint16_t>((last ? 0 : virtio_ring::desc_next) |
                                           (buffers[n].writable ? virtio_ring::desc_write : 0));
            describe(first + n,
                     {buffers[n].at, buffers[n].size, flags,
                      static_cast<std::uint16_t>(last ? 0 : first + n + 1)},
                     table);
        }
    }
    /// Makes the chain at `head` available.
    void offer(std::uint16_t head) {
        memory.store(GuestPhys{avail + 4 + next_avail % queue_size * 2u}, head);
        memory.store(GuestPhys{avail + 2}, ++next_avail);
    }
    void notify() { set(Register::queue_notify, 0); }

    [[nodiscard]] std::uint16_t used_index() {
        return memory.load<std::uint16_t>(GuestPhys{used + 2});
    }
    [[nodiscard]] virtio_ring::UsedElement used_element(std::uint32_t n) {
        return memory.load<virtio_ring::UsedElement>(GuestPhys{used + 4 + n % queue_size * 8});
    }
    [[nodiscard]] bool needs_reset() {
        return (get(Register::status) & virtio::status::needs_reset) != 0;
    }

    /// A request by three descriptors from 0 on, carried out: its status, or 0xff where there is
    /// none.
    std::uint8_t request(virtio_block::RequestType type, std::uint64_t sector,
                         const std::vector<Buffer>& data = {}) {
        return request(static_cast<std::uint32_t>(type), sector, data);
    }
    std::uint8_t request(std::uint32_t type, std::uint64_t sector,
                         const std::vector<Buffer>& data) {
        prepare(type, sector, data);
        notify();
        while (device.work()) {
        }
        return status();
    }
    void prepare(std::uint32_t type, std::uint64_t sector, const std::vector<Buffer>& data) {
        memory.store(GuestPhys{header}, virtio_block::BlockRequest{type, 0, sector});
        memory.store(GuestPhys{status_at}, std::uint8_t{0xff});
        std::vector<Buffer> buffers{{header, 16}};
        buffers.insert(buffers.end(), data.begin(), data.end());
        buffers.push_back({status_at, 1, true});
        chain(0, buffers);
        offer(0);
    }
    std::uint8_t status() { return memory.load<std::uint8_t>(GuestPhys{status_at}); }

    static constexpr std::uint64_t header = 0x8000'4000;
    static constexpr std::uint64_t status_at = 0x8000'4800;
    static constexpr std::uint64_t data_at = 0x8001'0000;

    BenchMemory memory;
    BenchOwner owner;
    Wire wire;
    BenchStore store;
    VirtioBlock block;
    VirtioMmio device{block, memory, owner};
    std::uint16_t next_avail = 0;
    std::uint16_t next_used = 0;
};

}  // namespace cairn::test
