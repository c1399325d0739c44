// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_backed_block.hpp"

#include <deque>

#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_block::RequestType;
using virtio_block::Status;

namespace {

/// A disk that completes when a test says so.
class SlowDisk final : public BlockBackend {
  public:
    struct Pending {
        Operation operation;
        std::uint64_t sector;
        std::vector<std::span<std::byte>> buffers;
        BlockCompletion* completion;
        std::uint32_t sectors;
        bool unmaps;
    };
    std::uint64_t size() const override { return bytes.size(); }
    bool is_read_only() const override { return read_only; }
    std::uint32_t block_size() const override { return 1024; }
    std::uint32_t buffer_limit() const override { return 125; }
    virtio_block::ZeroingLimits zeroing_limits() const override { return limits; }
    std::string_view id() const override { return "host:0"; }
    bool submit(const Request& request) override {
        if (pending.size() == room) return false;
        pending.push_back({request.operation,
                           request.sector,
                           {request.buffers.begin(), request.buffers.end()},
                           request.completion,
                           request.sectors,
                           request.unmaps});
        return true;
    }
    void look() override {
        while (!is_slow && !pending.empty())
            complete(0);
    }
    void complete(std::size_t which, Status status = Status::ok) {
        const Pending done = pending[which];
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(which));
        std::byte* at = bytes.data() + done.sector * 512;
        for (const auto buffer : done.buffers) {
            if (done.operation == Operation::read)
                std::memcpy(buffer.data(), at, buffer.size());
            else
                std::memcpy(at, buffer.data(), buffer.size());
            at += buffer.size();
        }
        if (done.operation == Operation::flush) ++flushes;
        done.completion->completed(status);
    }

    std::vector<std::byte> bytes = std::vector<std::byte>(64 * 512);
    std::deque<Pending> pending;
    std::size_t room = 100;
    int flushes = 0;
    virtio_block::ZeroingLimits limits;
    bool read_only = false;
    bool is_slow = false;  ///< completes nothing because somebody looks
};

struct Bench final : VirtioBench, TurnOwner {
    explicit Bench(bool read_only = false, virtio_block::ZeroingLimits limits = {},
                   std::uint32_t queues = 1) {
        disk.read_only = read_only;
        disk.limits = limits;
        for (std::size_t n = 0; n < disk.bytes.size(); ++n)
            disk.bytes[n] = static_cast<std::byte>(n / 512);
        block.emplace(disk, *this, queues);
        device.emplace(*block, memory, owner);
        device->connect(wire);
        set(Register::status, 0);
        set(Register::driver_features_sel, 1);
        set(Register::driver_features,
            (virtio::feature::version_1 | virtio::feature::ring_reset) >> 32);
        set(Register::status, virtio::status::features_ok);
        set(Register::queue_num, queue_size);
        set(Register::queue_desc_low, descriptors);
        set(Register::queue_avail_low, avail);
        set(Register::queue_used_low, used);
        set(Register::queue_ready, 1);
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    }
    void want_turn() override { ++wanted; }
    void set(Register which, std::uint64_t value) { (void)try_to_set(which, value); }
    std::expected<void, BusError> try_to_set(Register which, std::uint64_t value) {
        return device->write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            device->read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    /// Request `n` of those at once, by two descriptors and one for its data.
    void ask(std::uint32_t n, RequestType type, std::uint64_t sector, std::uint32_t bytes) {
        const std::uint64_t header_at = header + n * 16;
        memory.store(GuestPhys{header_at},
                     virtio_block::BlockRequest{static_cast<std::uint32_t>(type), 0, sector});
        memory.store(GuestPhys{status_at + n}, std::uint8_t{0xff});
        std::vector<Buffer> buffers{{header_at, 16}};
        if (bytes != 0) buffers.push_back({data_of(n), bytes, type != RequestType::out});
        buffers.push_back({status_at + n, 1, true});
        chain(n * 3, buffers);
        offer(static_cast<std::uint16_t>(n * 3));
        set(Register::queue_notify, 0);
    }
    /// The same of a range that is discarded or zeroed: what comes of it, or 0xff while it is
    /// there.
    std::uint8_t ask(RequestType type, const virtio_block::BlockRange& range,
                     std::uint32_t bytes = sizeof(virtio_block::BlockRange)) {
        memory.store(GuestPhys{header},
                     virtio_block::BlockRequest{static_cast<std::uint32_t>(type), 0, 0});
        memory.store(GuestPhys{data_at}, range);
        memory.store(GuestPhys{status_at}, std::uint8_t{0xff});
        chain(0, {{header, 16}, {data_at, bytes}, {status_at, 1, true}});
        offer(0);
        set(Register::queue_notify, 0);
        return status_of(0);
    }
    std::uint64_t offered() {
        set(Register::device_features_sel, 0);
        return get(Register::device_features);
    }
    void work() {
        while (device->work()) {
        }
    }
    static std::uint64_t data_of(std::uint32_t n) { return data_at + n * 0x1000; }
    std::uint8_t status_of(std::uint32_t n) {
        return memory.load<std::uint8_t>(GuestPhys{status_at + n});
    }

    SlowDisk disk;
    std::optional<VirtioBackedBlock> block;
    std::optional<VirtioMmio> device;
    int wanted = 0;
};

}  // namespace

TEST_CASE("a request is given back once it is completed, and not copied", "[virtio_backed_block]") {
    Bench bench;
    bench.ask(0, RequestType::in, 3, 1024);
    CHECK(bench.status_of(0) == 0xff);
    CHECK_FALSE(bench.wire.up);
    REQUIRE(bench.disk.pending.size() == 1);
    CHECK(bench.disk.pending[0].buffers[0].data() == bench.memory.at({bench.data_of(0)}));
    bench.disk.complete(0);
    CHECK(bench.wanted == 1);
    CHECK(bench.used_index() == 0);  // by the next turn
    bench.work();
    CHECK(bench.status_of(0) == 0);
    CHECK(bench.used_element(0).length == 1025);
    CHECK(bench.wire.up);
    CHECK(*bench.memory.at({bench.data_of(0) + 512}) == std::byte{4});
}

TEST_CASE("pieces that follow each other in memory are one buffer", "[virtio_backed_block]") {
    Bench bench;
    bench.memory.piece_size = 128;
    bench.ask(0, RequestType::in, 1, 24 << 10);  // in more pieces than a request has buffers
    bench.work();
    REQUIRE(bench.disk.pending.size() == 1);
    REQUIRE(bench.disk.pending[0].buffers.size() == 1);
    CHECK(bench.disk.pending[0].buffers[0].size() == 24 << 10);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.status_of(0) == 0);
}

TEST_CASE("several are in flight, and come back in any order", "[virtio_backed_block]") {
    Bench bench;
    bench.ask(0, RequestType::in, 1, 512);
    bench.ask(1, RequestType::in, 2, 512);
    REQUIRE(bench.disk.pending.size() == 2);
    bench.disk.complete(1);
    bench.work();
    CHECK(bench.status_of(1) == 0);
    CHECK(bench.status_of(0) == 0xff);
    CHECK(bench.used_element(0).id == 3);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.status_of(0) == 0);
}

TEST_CASE("what the disk has no room for waits for one that ends", "[virtio_backed_block]") {
    Bench bench;
    bench.disk.room = 1;
    bench.ask(0, RequestType::out, 1, 512);
    bench.ask(1, RequestType::out, 2, 512);
    CHECK(bench.disk.pending.size() == 1);
    CHECK_FALSE(bench.device->work());
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.disk.pending.size() == 1);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.status_of(1) == 0);
}

TEST_CASE("or for the disk to say that there is room", "[virtio_backed_block]") {
    Bench bench;
    bench.disk.room = 0;
    bench.ask(0, RequestType::out, 1, 512);
    CHECK_FALSE(bench.device->work());
    bench.disk.room = 1;
    CHECK_FALSE(bench.device->work());  // nobody has said so
    CHECK(bench.disk.pending.empty());
    bench.block->room_again();
    CHECK(bench.wanted == 1);
    bench.work();
    CHECK(bench.disk.pending.size() == 1);
}

TEST_CASE("what is discarded or zeroed is checked, and the disk's", "[virtio_backed_block]") {
    Bench bench(false, {.max_discard_sectors = 16,
                        .discard_sector_alignment = 8,
                        .max_write_zeroes_sectors = 1u << 31,
                        .write_zeroes_may_unmap = true});
    CHECK((bench.offered() & virtio_block::feature::discard) != 0);
    CHECK((bench.offered() & virtio_block::feature::write_zeroes) != 0);
    virtio_block::Config config{};
    std::memcpy(&config, bench.block->config().data(), sizeof config);
    CHECK(config.blk_size == 1024);
    CHECK(config.seg_max == 125 - 9);  // some may lie in two pieces
    CHECK(config.max_discard_sectors == 16);
    CHECK(config.max_discard_seg == 1);
    CHECK(config.discard_sector_alignment == 8);
    CHECK(config.max_write_zeroes_sectors == 1 << 17);
    CHECK(bench.ask(RequestType::discard, {1, 16, 0}) == 0xff);
    CHECK(bench.disk.pending[0].operation == BlockBackend::Operation::discard);
    CHECK(bench.disk.pending[0].sector == 1);
    CHECK(bench.disk.pending[0].sectors == 16);
    CHECK_FALSE(bench.disk.pending[0].unmaps);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.status_of(0) == 0);
    CHECK(bench.ask(RequestType::write_zeroes, {0, 64, 1}) == 0xff);
    CHECK(bench.disk.pending[0].unmaps);
    bench.disk.complete(0);
    bench.work();
    for (const auto& [sector, sectors] :
         {std::pair{0ull, 17u}, {64ull, 1u}, {63ull, 2u}, {~0ull, 2u}, {0ull, ~0u}})
        CHECK(bench.ask(RequestType::discard, {sector, sectors, 0}) == 1);
    CHECK(bench.ask(RequestType::write_zeroes, {0, 65, 0}) == 1);
    CHECK(bench.ask(RequestType::discard, {0, 1, 1}) == 2);
    CHECK(bench.ask(RequestType::write_zeroes, {0, 1, 2}) == 2);
    CHECK(bench.ask(RequestType::discard, {0, 1, 0}, 8) == 2);
    CHECK(bench.ask(RequestType::discard, {0, 1, 0}, 32) == 2);
    CHECK(bench.ask(RequestType::discard, {0, 0, 0}) == 0);
    CHECK(bench.disk.pending.empty());
    const Bench fixed(true, {.max_discard_sectors = 16});
    CHECK((fixed.block->features() & virtio_block::feature::discard) == 0);
}

TEST_CASE("a flush is the disk's, and an error reaches the guest with a sentence",
          "[virtio_backed_block]") {
    Bench bench;
    bench.ask(0, RequestType::flush, 0, 0);
    CHECK(bench.status_of(0) == 0xff);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.status_of(0) == 0);
    CHECK(bench.disk.flushes == 1);
    bench.ask(1, RequestType::in, 0, 512);
    bench.disk.complete(0, Status::ioerr);
    bench.work();
    CHECK(bench.status_of(1) == 1);
    CHECK(bench.owner.log == std::vector<std::string>{"the machine's disk reports an error"});
}

TEST_CASE("what cannot be is answered without the disk", "[virtio_backed_block]") {
    Bench bench(true);
    CHECK((bench.block->features() & virtio_block::feature::ro) != 0);
    bench.ask(0, RequestType::out, 0, 512);
    CHECK(bench.status_of(0) == 1);
    bench.ask(1, RequestType::in, 64, 512);
    CHECK(bench.status_of(1) == 1);
    bench.ask(0, RequestType::in, 0, 100);
    CHECK(bench.status_of(0) == 1);
    bench.ask(1, RequestType::discard, 0, 512);
    CHECK(bench.status_of(1) == 2);
    bench.ask(0, RequestType::get_id, 0, 20);
    CHECK(bench.status_of(0) == 0);
    CHECK(*bench.memory.at({bench.data_of(0) + 5}) == std::byte{'0'});
    CHECK(bench.disk.pending.empty());
    CHECK((bench.get(virtio_mmio::Register::status) & virtio::status::needs_reset) == 0);
}

TEST_CASE("memory is in use from a request's first buffer to its end", "[virtio_backed_block]") {
    Bench bench;
    bench.ask(0, RequestType::in, 1, 512);
    bench.ask(1, RequestType::out, 2, 512);
    CHECK(bench.memory.uses == 2);
    bench.disk.complete(0);
    CHECK(bench.memory.uses == 2);  // until a turn has seen it
    bench.work();
    CHECK(bench.memory.uses == 1);
    bench.disk.room = 1;
    bench.ask(0, RequestType::in, 1, 512);  // waits for the other
    CHECK(bench.memory.uses == 2);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.memory.uses == 1);
    bench.set(virtio_mmio::Register::status, 0);
    CHECK(bench.memory.uses == 0);
}

TEST_CASE("a request whose buffers are not all found yet holds memory between turns",
          "[virtio_backed_block]") {
    Bench bench;
    bench.memory.slow = {{Bench::data_of(0)}, 512};  // which ends the turn
    bench.ask(0, RequestType::in, 1, 1024);
    CHECK(bench.disk.pending.empty());
    CHECK(bench.memory.uses == 1);
    bench.set(virtio_mmio::Register::status, 0);
    CHECK(bench.memory.uses == 0);
}

TEST_CASE("a reset is done when nothing is in flight, and gives nothing back",
          "[virtio_backed_block]") {
    Bench bench;
    bench.ask(0, RequestType::in, 1, 512);
    bench.set(Bench::Register::status, 0);
    CHECK(bench.get(Bench::Register::status) == 0);
    CHECK(bench.disk.pending.empty());
    CHECK(bench.status_of(0) == 0xff);
    bench.work();
    CHECK(bench.used_index() == 0);
}

TEST_CASE("until then every access is to be done again, and nothing is begun",
          "[virtio_backed_block]") {
    constexpr auto busy = std::unexpected(BusError::busy);
    Bench bench;
    bench.disk.is_slow = true;
    bench.ask(0, RequestType::in, 1, 512);
    const auto takes_back = GENERATE(Bench::Register::status, Bench::Register::queue_ready,
                                     Bench::Register::queue_reset);
    const std::uint64_t value = takes_back == Bench::Register::queue_reset ? 1 : 0;
    CHECK(bench.try_to_set(takes_back, value) == busy);
    bench.ask(1, RequestType::in, 2, 512);
    CHECK(bench.try_to_set(Bench::Register::queue_notify, 0) == busy);
    CHECK(bench.device->read(0, AccessWidth::word) == std::unexpected(BusError::busy));
    bench.work();
    CHECK(bench.disk.pending.size() == 1);
    bench.disk.complete(0);
    bench.work();
    CHECK(bench.used_index() == 0);
    CHECK(bench.memory.uses == 1);

    SECTION("who has asked has it when it asks again") {
        CHECK(bench.try_to_set(takes_back, value));
        CHECK(bench.memory.uses == 0);
        CHECK(bench.get(Bench::Register::queue_ready) == 0);
        CHECK(bench.used_index() == 0);
    }
    SECTION("where it does not, the device goes on with whoever comes") {
        CHECK(bench.get(Bench::Register::queue_ready) == 1);
        bench.work();
        CHECK(bench.status_of(0) == 0);
        CHECK(bench.disk.pending.size() == 1);
        bench.disk.complete(0);
    }
}

TEST_CASE("at its VM's end it is asked until it has let go, and does nothing from then on",
          "[virtio_backed_block]") {
    Bench bench;
    bench.disk.is_slow = true;
    bench.ask(0, RequestType::in, 1, 512);
    CHECK_FALSE(bench.device->lets_go());
    bench.disk.complete(0);
    CHECK(bench.device->lets_go());
    bench.work();
    CHECK(bench.used_index() == 0);
    bench.device->reset();
    CHECK(bench.memory.uses == 0);
}

TEST_CASE("a queue that is reset leaves to others what they have in flight",
          "[virtio_backed_block]") {
    Bench bench(false, {}, 2);
    constexpr std::uint64_t rings = 0x8008'0000;
    bench.set(virtio_mmio::Register::queue_sel, 1);
    bench.set(virtio_mmio::Register::queue_num, Bench::queue_size);
    bench.set(virtio_mmio::Register::queue_desc_low, rings);
    bench.set(virtio_mmio::Register::queue_avail_low, rings + 0x1000);
    bench.set(virtio_mmio::Register::queue_used_low, rings + 0x2000);
    bench.set(virtio_mmio::Register::queue_ready, 1);
    bench.memory.store(GuestPhys{rings + 0x3000}, virtio_block::BlockRequest{0, 0, 5});
    bench.chain(0, {{rings + 0x3000, 16}, {rings + 0x4000, 512, true}, {rings + 0x3100, 1, true}},
                rings);
    bench.memory.store(GuestPhys{rings + 0x1002}, std::uint16_t{1});
    bench.set(virtio_mmio::Register::queue_notify, 1);
    bench.ask(0, RequestType::in, 1, 512);
    CHECK(bench.disk.pending.size() == 2);
    bench.set(virtio_mmio::Register::queue_sel, 0);
    bench.set(virtio_mmio::Register::queue_reset, 1);
    CHECK(bench.disk.pending.empty());
    CHECK(bench.memory.uses == 1);
    bench.work();
    CHECK(bench.memory.uses == 0);
    CHECK(bench.status_of(0) == 0xff);
    CHECK(bench.memory.load<std::uint16_t>(GuestPhys{rings + 0x2002}) == 1);
    CHECK(*bench.memory.at({rings + 0x4000}) == std::byte{5});
}
