// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_disk.hpp"

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

struct Bench final : HostDiskOwner {
    explicit Bench(bool legacy = false, bool read_only = false)
        : store(1024, read_only), device(block, legacy) {}
    void completed(void* token, Status status) override { done.emplace_back(token, status); }
    bool start() {
        return disk->start(device, HostSource::virtio).has_value() && disk->claim(*this);
    }
    bool submit(RequestType type, std::uint64_t sector, std::vector<std::byte>& bytes) {
        std::span<std::byte> buffer(bytes);
        const std::size_t half = bytes.size() / 2;
        const std::array halves{buffer.first(half), buffer.subspan(half)};
        const std::size_t count = type == RequestType::flush ? 0 : 2;
        return disk->submit({type, sector, {halves.data(), count}, &bytes});
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
        CHECK(bench.disk->size() == 1024 * 512);
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

TEST_CASE("it has one owner at a time", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    CHECK_FALSE(bench.disk->claim(bench));
    bench.disk->release();
    CHECK(bench.disk->claim(bench));
}

TEST_CASE("so many requests are in flight, and no more", "[host_disk]") {
    Bench bench;
    REQUIRE(bench.start());
    std::vector<std::byte> bytes(512);
    for (std::size_t n = 0; n < HostDisk::most_in_flight; ++n)
        REQUIRE(bench.submit(RequestType::in, n, bytes));
    CHECK_FALSE(bench.submit(RequestType::in, 0, bytes));
    bench.device.work();
    bench.disk->interrupted();
    CHECK(bench.done.size() == HostDisk::most_in_flight);
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
