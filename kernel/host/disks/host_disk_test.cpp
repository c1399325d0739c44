// SPDX-License-Identifier: MIT
#include "kernel/host/disks/host_disk.hpp"

#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/host_virtio_bench.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_block::RequestType;
using virtio_block::Status;
using virtio_mmio::Register;

namespace {

/// Who has some of the disk.
struct User final : HostDiskUser {
    explicit User(HostDisk& with) : disk(with) {}
    void completed(void* token, Status status) override { done.emplace_back(token, status); }
    void room_again() override { ++rooms; }
    bool submit(RequestType type, std::uint64_t sector, std::vector<std::byte>& bytes) {
        const std::array buffers{std::span<std::byte>(bytes)};
        return disk.submit(*this, {type, sector, buffers, &bytes});
    }
    HostDisk& disk;
    std::vector<std::pair<void*, Status>> done;
    int rooms = 0;
};

struct Bench final : HostDiskUser {
    explicit Bench(bool legacy = false, bool read_only = false)
        : store(1024, read_only), device(block, legacy) {}
    void completed(void* token, Status status) override { done.emplace_back(token, status); }
    void room_again() override {}
    bool start() {
        return disk->start(device, HostSource::virtio).has_value() && disk->claim(*this, {0, 1024});
    }
    bool submit(RequestType type, std::uint64_t sector, std::vector<std::byte>& bytes) {
        std::span<std::byte> buffer(bytes);
        const std::size_t half = bytes.size() / 2;
        const std::array halves{buffer.first(half), buffer.subspan(half)};
        const std::size_t count = type == RequestType::flush ? 0 : 2;
        return disk->submit(*this, {type, sector, {halves.data(), count}, &bytes});
    }
    /// The last that was completed.
    Status status() { return done.back().second; }

    BenchStore store;
    VirtioBlock block{store};
    HostDevice device;
    LowPointer<HostDisk> disk;
    std::vector<std::pair<void*, Status>> done;
};

}  // namespace

TEST_CASE("the machine's disk is read, written and flushed, modern or legacy", "[host_disk]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        Bench bench(legacy);
        REQUIRE(bench.start());
        CHECK(bench.disk->sectors() == 1024);
        CHECK(bench.disk->block_size() == 512);
        CHECK_FALSE(bench.disk->is_read_only());
        std::vector<std::byte> bytes(2048, std::byte{0x5a});
        REQUIRE(bench.submit(RequestType::out, 7, bytes));
        CHECK(bench.done.empty());  // until its interrupt
        bench.disk->interrupted();
        REQUIRE(bench.done.size() == 1);
        CHECK(bench.done[0] == std::pair<void*, Status>{&bytes, Status::ok});
        CHECK_FALSE(bench.device.wire.up);
        std::vector<std::byte> back(2048);
        REQUIRE(bench.submit(RequestType::in, 7, back));
        bench.disk->look();
        CHECK(bench.status() == Status::ok);
        CHECK(back == bytes);
        REQUIRE(bench.submit(RequestType::flush, 0, bytes));
        bench.disk->interrupted();
        CHECK(bench.status() == Status::ok);
        CHECK(bench.device.log.empty());
    }
}

TEST_CASE("a disk that is read-only says so", "[host_disk]") {
    Bench bench(false, true);
    REQUIRE(bench.start());
    CHECK(bench.disk->is_read_only());
    std::vector<std::byte> bytes(512);
    REQUIRE(bench.submit(RequestType::out, 0, bytes));
    bench.disk->interrupted();
    CHECK(bench.status() == Status::ioerr);
}

TEST_CASE("nobody has what another has some of", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    User first(*bench.disk);
    User second(*bench.disk);
    CHECK(bench.disk->claim(first, {100, 1}) == std::unexpected(HostDisk::ClaimFault::taken));
    bench.disk->release(bench);
    REQUIRE(bench.disk->claim(first, {100, 50}));
    for (const DiskRange range : {DiskRange{100, 50}, {0, 101}, {149, 10}, {120, 1}, {0, 1024}})
        CHECK_FALSE(bench.disk->claim(second, range));
    CHECK(bench.disk->claim(second, {150, 50}));
    CHECK(bench.disk->claim(bench, {0, 100}));
    bench.disk->release(second);
    bench.disk->release(first);
    CHECK(bench.disk->claim(second, {100, 100}));
}

TEST_CASE("a user reaches its own sectors and no other", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    bench.disk->release(bench);
    User user(*bench.disk);
    REQUIRE(bench.disk->claim(user, {100, 4}));
    const std::vector<std::byte> before = bench.store.bytes;
    std::vector<std::byte> bytes(1024, std::byte{0x5a});
    const auto says = [&](RequestType type, std::uint64_t sector) {
        REQUIRE(user.submit(type, sector, bytes));
        bench.disk->interrupted();
        return user.done.back().second;
    };
    for (const std::uint64_t sector : {3ull, 4ull, 1020ull, ~0ull, ~0ull - 99, ~0ull - 100})
        CHECK(says(RequestType::out, sector) == Status::ioerr);
    CHECK(bench.store.bytes == before);
    CHECK(says(RequestType::out, 2) == Status::ok);
    CHECK(std::ranges::equal(std::span(bench.store.bytes).subspan(102 * 512, 1024), bytes));
    CHECK(std::ranges::equal(std::span(bench.store.bytes).first(102 * 512),
                             std::span(before).first(102 * 512)));
    CHECK(says(RequestType::in, 0) == Status::ok);
    CHECK(bytes[0] == before[100 * 512]);
    for (const auto& [sector, sectors, status] :
         {std::tuple{4ull, 1u, Status::ioerr}, {0ull, 5u, Status::ioerr}, {1ull, 3u, Status::ok}}) {
        REQUIRE(bench.disk->submit(user, {RequestType::discard, sector, {}, &bytes, sectors}));
        bench.disk->interrupted();
        CHECK(user.done.back().second == status);
    }
    CHECK(bench.store.bytes[101 * 512] == std::byte{0});
    CHECK(bench.store.bytes[104 * 512] == before[104 * 512]);
}

TEST_CASE("buffers that are no whole sectors count for what they are together", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    bench.disk->release(bench);
    User user(*bench.disk);
    REQUIRE(bench.disk->claim(user, {100, 4}));
    const std::vector<std::byte> before = bench.store.bytes;
    std::vector<std::byte> bytes(504, std::byte{0x5a});
    const auto says = [&](std::size_t count) {
        const std::vector<std::span<std::byte>> buffers(count, bytes);
        REQUIRE(bench.disk->submit(user, {RequestType::out, 0, buffers, &bytes, 0}));
        bench.disk->interrupted();
        return user.done.back().second;
    };
    CHECK(says(64) == Status::ioerr);  // 63 sectors
    CHECK(says(1) == Status::ioerr);
    CHECK(bench.store.bytes == before);
}

TEST_CASE("a request has as many buffers as the disk's queue has room for", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    const auto limit = bench.disk->buffer_limit();
    CHECK(limit == DriverQueue::max_size - 3);
    std::vector<std::byte> bytes(512);
    const auto says = [&](std::size_t count) {
        const std::vector<std::span<std::byte>> buffers(count, bytes);
        REQUIRE(bench.disk->submit(bench, {RequestType::in, 0, buffers, &bytes, 0}));
        bench.device.work();
        bench.disk->interrupted();
        return bench.status();
    };
    CHECK(says(limit) == Status::ok);
    CHECK(says(limit + 1) == Status::ioerr);
    Bench small;
    small.device.lies[Register::queue_num_max] = 128;
    REQUIRE(small.start());
    CHECK(small.disk->buffer_limit() == 125);
    Bench smaller;
    smaller.device.lies[Register::queue_num_max] = 64;
    CHECK_FALSE(smaller.start());
}

TEST_CASE("whoever reads beside the others writes nothing", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    User reader(*bench.disk);
    REQUIRE(bench.disk->join_to_read(reader));
    std::vector<std::byte> bytes(512);
    REQUIRE(reader.submit(RequestType::out, 0, bytes));
    CHECK(reader.done.back().second == Status::ioerr);
    REQUIRE(reader.submit(RequestType::in, 1023, bytes));
    bench.disk->interrupted();
    CHECK(reader.done.back().second == Status::ok);
    bench.disk->release(bench);
    CHECK(bench.disk->claim(bench, {0, 1024}));
}

TEST_CASE("users have even shares of what is in flight, and are told of room", "[host_disk]") {
    Bench bench;
    bench.device.lies[Register::queue_num_max] = 128;
    REQUIRE(bench.start());
    bench.disk->release(bench);
    std::vector<std::unique_ptr<User>> users;
    for (std::uint64_t n = 0; n < 32; ++n) {
        users.push_back(std::make_unique<User>(*bench.disk));
        REQUIRE(bench.disk->claim(*users[n], {n, 1}));
    }
    std::vector<std::byte> bytes(512);
    for (const auto& user : users) {
        for (int n = 0; n < 4; ++n)
            REQUIRE(user->submit(RequestType::in, 0, bytes));
        CHECK_FALSE(user->submit(RequestType::in, 0, bytes));
        CHECK(user->rooms == 0);
    }
    bench.device.work();
    bench.disk->interrupted();
    for (const auto& user : users) {
        CHECK(user->done.size() == 4);
        CHECK(user->rooms == 1);
        CHECK(user->submit(RequestType::in, 0, bytes));
    }
    bench.device.work();
    bench.disk->interrupted();
    for (std::uint64_t n = 1; n < 32; ++n)
        bench.disk->release(*users[n]);
    for (int n = 0; n < 16; ++n)
        REQUIRE(users[0]->submit(RequestType::in, 0, bytes));
}

TEST_CASE("who comes when all is in flight waits for its share alone", "[host_disk]") {
    Bench bench;
    bench.device.lies[Register::queue_num_max] = 128;
    REQUIRE(bench.start());
    bench.disk->release(bench);
    std::vector<std::unique_ptr<User>> users;
    std::vector<std::byte> bytes(512);
    for (std::uint64_t n = 0; n < 8; ++n) {
        users.push_back(std::make_unique<User>(*bench.disk));
        REQUIRE(bench.disk->claim(*users[n], {n, 1}));
    }
    for (const auto& user : users)
        for (int n = 0; n < 16; ++n)
            REQUIRE(user->submit(RequestType::in, 0, bytes));
    User late(*bench.disk);
    REQUIRE(bench.disk->claim(late, {8, 1}));
    CHECK_FALSE(late.submit(RequestType::in, 0, bytes));
    CHECK_FALSE(users[0]->submit(RequestType::in, 0, bytes));
    bench.device.work();
    bench.disk->interrupted();
    CHECK(late.rooms == 1);
    CHECK(late.submit(RequestType::in, 0, bytes));
}

TEST_CASE("a device without tables of descriptors has one user", "[host_disk]") {
    Bench bench;
    // FLUSH of the lower word, VERSION_1 of the upper; the lie is told for both.
    bench.device.lies[Register::device_features] = virtio_block::feature::flush | 1;
    REQUIRE(bench.start());
    User other(*bench.disk);
    CHECK(bench.disk->join_to_read(other) == std::unexpected(HostDisk::ClaimFault::too_many));
    std::vector<std::byte> bytes(1024);
    REQUIRE(bench.submit(RequestType::in, 0, bytes));
    bench.disk->interrupted();
    CHECK(bench.status() == Status::ok);
}

TEST_CASE("a disk that is given up answers, however few descriptors are left", "[host_disk]") {
    Bench bench;
    bench.device.lies[Register::queue_num_max] = 128;
    bench.device.lies[Register::device_features] = virtio_block::feature::flush | 1;
    REQUIRE(bench.start());
    std::vector<std::byte> bytes(512);
    const std::vector<std::span<std::byte>> many(80, bytes);
    REQUIRE(bench.disk->submit(bench, {RequestType::in, 0, many, &bytes}));
    CHECK_FALSE(bench.disk->submit(bench, {RequestType::in, 0, many, &bytes}));
    CHECK(bench.disk->leave_alone("it does not answer"));
    REQUIRE(bench.done.size() == 1);
    REQUIRE(bench.disk->submit(bench, {RequestType::in, 0, many, &bytes}));
    CHECK(bench.done.size() == 2);
    CHECK(bench.status() == Status::ioerr);
}

TEST_CASE("what is discarded or zeroed has the device's limits", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    const auto& limits = bench.disk->zeroing_limits();
    CHECK(limits.max_discard_sectors == 1 << 22);
    CHECK(limits.discard_sector_alignment == 8);
    CHECK(limits.write_zeroes_may_unmap);
    std::vector<std::byte> bytes(512);
    REQUIRE(bench.disk->submit(bench, {RequestType::write_zeroes, 9, {}, &bytes, 2, true}));
    bench.disk->interrupted();
    CHECK(bench.status() == Status::ok);
    CHECK(bench.store.bytes[9 * 512] == std::byte{0});
    CHECK(bench.store.bytes[11 * 512 - 1] == std::byte{0});
    CHECK(bench.store.bytes[11 * 512] != std::byte{0});
    Bench fixed(false, true);
    REQUIRE(fixed.start());
    CHECK(fixed.disk->zeroing_limits().max_discard_sectors == 0);
}

TEST_CASE("so many requests are in flight, and no more", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    std::vector<std::byte> bytes(512);
    for (std::size_t n = 0; n < HostDiskUser::most_in_flight; ++n)
        REQUIRE(bench.submit(RequestType::in, n, bytes));
    CHECK_FALSE(bench.submit(RequestType::in, 0, bytes));
    bench.device.work();
    bench.disk->interrupted();
    CHECK(bench.done.size() == HostDiskUser::most_in_flight);
    CHECK(bench.submit(RequestType::in, 0, bytes));
}

TEST_CASE("a device that lies about its size is left alone", "[host_disk]") {
    Bench bench;
    bench.store.bytes.clear();
    VirtioBlock empty(bench.store);
    HostDevice device(empty);
    const auto started = bench.disk->start(device, HostSource::virtio);
    REQUIRE_FALSE(started);
    CHECK(started.error() == VirtioFault::bad_config);
}

TEST_CASE("a device that breaks the rules fails what is in flight, and all that follows",
          "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    std::vector<std::byte> bytes(512);
    REQUIRE(bench.submit(RequestType::in, 0, bytes));
    std::uint64_t used = 0;
    for (const auto& write : bench.device.writes) {
        if (write.which == Register::queue_used_low) used |= write.value;
        if (write.which == Register::queue_used_high) used |= std::uint64_t{write.value} << 32;
    }
    *reinterpret_cast<std::uint16_t*>(used + virtio_ring::index_at) = 9;
    bench.disk->interrupted();
    REQUIRE(bench.done.size() == 1);
    CHECK(bench.status() == Status::ioerr);
    CHECK(bench.device.read(Register::status) == 0);  // it was reset
    REQUIRE(bench.submit(RequestType::in, 0, bytes));
    CHECK(bench.done.size() == 2);
    CHECK(bench.status() == Status::ioerr);
}

TEST_CASE("what is in flight is the device's until its reset is over", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    std::vector<std::byte> bytes(512);
    REQUIRE(bench.submit(RequestType::in, 0, bytes));
    bench.device.lies[Register::status] = virtio::status::driver_ok;
    CHECK_FALSE(bench.disk->leave_alone("it does not answer"));
    CHECK_FALSE(bench.disk->leave_alone("it does not answer"));
    bench.disk->look();
    CHECK(bench.done.empty());
    std::vector<std::byte> more(512);
    REQUIRE(bench.submit(RequestType::in, 0, more));  // never seen by the device
    REQUIRE(bench.done.size() == 1);
    CHECK(bench.done[0] == std::pair<void*, Status>{&more, Status::ioerr});
    bench.device.lies.clear();
    bench.disk->look();
    REQUIRE(bench.done.size() == 2);
    CHECK(bench.done[1] == std::pair<void*, Status>{&bytes, Status::ioerr});
    CHECK(bench.disk->leave_alone("it does not answer"));
}
