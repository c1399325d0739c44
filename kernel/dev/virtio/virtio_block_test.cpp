// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_block.hpp"

#include <algorithm>
#include <string>

#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_block::RequestType;

namespace {

constexpr std::uint8_t ok = 0;
constexpr std::uint8_t ioerr = 1;
constexpr std::uint8_t unsupp = 2;
constexpr std::uint64_t data_at = VirtioBench::data_at;

std::vector<std::byte> guest_bytes(VirtioBench& bench, std::uint64_t at, std::size_t size) {
    return {bench.memory.at({at}), bench.memory.at({at}) + size};
}

std::vector<std::byte> store_bytes(VirtioBench& bench, std::size_t sector, std::size_t size) {
    const auto first = bench.store.bytes.begin() + static_cast<std::ptrdiff_t>(sector * 512);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
}

void fill(VirtioBench& bench, std::uint64_t at, std::size_t size, unsigned seed) {
    for (std::size_t n = 0; n < size; ++n)
        *bench.memory.at({at + n}) = static_cast<std::byte>(n * 7 + n / 256 + seed);
}

std::uint8_t zero(VirtioBench& bench, RequestType type, std::uint64_t sector, std::uint32_t sectors,
                  std::uint32_t flags = 0) {
    bench.memory.store(GuestPhys{data_at}, virtio_block::BlockRange{sector, sectors, flags});
    return bench.request(type, 0, {{data_at, 16}});
}

/// Queue 1 of a bench, with rings of its own.
struct SecondQueue {
    static constexpr std::uint64_t descriptors = 0x8008'0000;
    static constexpr std::uint64_t avail = 0x8008'1000;
    static constexpr std::uint64_t used = 0x8008'2000;
    static constexpr std::uint64_t header = 0x8008'3000;
    static constexpr std::uint64_t status_at = 0x8008'3800;

    explicit SecondQueue(VirtioBench& of) : bench(of) {
        using Register = virtio_mmio::Register;
        bench.set(Register::queue_sel, 1);
        bench.set(Register::queue_num, VirtioBench::queue_size);
        bench.set(Register::queue_desc_low, descriptors);
        bench.set(Register::queue_avail_low, avail);
        bench.set(Register::queue_used_low, used);
        bench.set(Register::queue_ready, 1);
    }
    /// Makes a read of `size` bytes available, request `n` of them.
    void read(std::uint32_t n, std::uint32_t size) {
        const auto head = static_cast<std::uint16_t>(3 * n);
        bench.memory.store(GuestPhys{header}, virtio_block::BlockRequest{0, 0, 0});
        bench.chain(head, {{header, 16}, {data_at, size, true}, {status_at, 1, true}}, descriptors);
        bench.memory.store(GuestPhys{avail + 4 + next % VirtioBench::queue_size * 2u}, head);
        bench.memory.store(GuestPhys{avail + 2}, ++next);
    }
    void notify() { bench.set(virtio_mmio::Register::queue_notify, 1); }
    [[nodiscard]] std::uint16_t used_index() {
        return bench.memory.load<std::uint16_t>(GuestPhys{used + 2});
    }

    VirtioBench& bench;
    std::uint16_t next = 0;
};

/// A bench with two queues, of which the first is set up.
struct TwoQueues : VirtioBench {
    TwoQueues() : VirtioBench(false, 1024, BenchMemory::usual_size, 2) {
        start(usual_features | virtio::feature::ring_reset);
    }
    /// The same in queue 0.
    void read(std::uint32_t n, std::uint32_t size) {
        const auto head = static_cast<std::uint16_t>(3 * n);
        memory.store(GuestPhys{header}, virtio_block::BlockRequest{0, 0, 0});
        chain(head, {{header, 16}, {data_at, size, true}, {status_at, 1, true}});
        offer(head);
    }
};

}  // namespace

TEST_CASE("what is read is on the disk", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    CHECK(bench.request(RequestType::in, 3, {{data_at, 1024, true}}) == ok);
    CHECK(guest_bytes(bench, data_at, 1024) == store_bytes(bench, 3, 1024));
    CHECK(bench.used_element(0).length == 1025);
    CHECK(bench.wire.up);
}

TEST_CASE("what is written can be read", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    fill(bench, data_at, 512, 1);
    CHECK(bench.request(RequestType::out, 1023, {{data_at, 512}}) == ok);
    CHECK(guest_bytes(bench, data_at, 512) == store_bytes(bench, 1023, 512));
    CHECK(bench.used_element(0).length == 1);
}

TEST_CASE("buffers may be cut anywhere", "[virtio_block]") {
    // Section 2.7.4.1: the device assumes nothing of the descriptors' layout.
    VirtioBench bench;
    bench.start();
    bench.memory.store(GuestPhys{VirtioBench::header}, virtio_block::BlockRequest{0, 0, 2});
    bench.chain(0, {{VirtioBench::header, 5},
                    {VirtioBench::header + 5, 11},
                    {data_at, 511, true},
                    {data_at + 511, 1, true},
                    {data_at + 600, 513, true}});
    bench.offer(0);
    bench.notify();
    CHECK(guest_bytes(bench, data_at, 512) == store_bytes(bench, 2, 512));
    CHECK(guest_bytes(bench, data_at + 600, 512) == store_bytes(bench, 3, 512));
    CHECK(guest_bytes(bench, data_at + 1112, 1) == std::vector<std::byte>{std::byte{ok}});
    CHECK(bench.used_element(0).length == 1025);
}

TEST_CASE("memory may be cut, too", "[virtio_block]") {
    VirtioBench bench;
    bench.memory.piece_size = 512;
    bench.start();
    CHECK(bench.request(RequestType::in, 0, {{data_at + 100, 4096, true}}) == ok);
    CHECK(guest_bytes(bench, data_at + 100, 4096) == store_bytes(bench, 0, 4096));
}

TEST_CASE("what lies beyond the end, or is no sectors, is an error", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    for (const auto type : {RequestType::in, RequestType::out}) {
        const bool in = type == RequestType::in;
        CHECK(bench.request(type, 1023, {{data_at, 1024, in}}) == ioerr);
        CHECK(bench.request(type, 1024, {{data_at, 512, in}}) == ioerr);
        CHECK(bench.request(type, 1ull << 55, {{data_at, 512, in}}) == ioerr);
        CHECK(bench.request(type, ~0ull, {{data_at, 512, in}}) == ioerr);
        CHECK(bench.request(type, 0, {{data_at, 511, in}}) == ioerr);
    }
    CHECK(bench.used_element(bench.used_index() - 1u).length == 1);  // of a write, the status
    CHECK(bench.request(RequestType::in, 1024, {{data_at, 512, true}}) == ioerr);
    CHECK(bench.used_element(bench.used_index() - 1u).length == 0);  // before the status: nothing
    CHECK(bench.request(RequestType::in, 1024, {}) == ok);           // nothing, at the end
    CHECK_FALSE(bench.needs_reset());
}

TEST_CASE("a read-only disk is not written to", "[virtio_block]") {
    VirtioBench bench(true);
    CHECK((bench.offered() & virtio_block::feature::ro) != 0);
    CHECK((bench.offered() & virtio_block::feature::discard) == 0);
    bench.start(VirtioBench::usual_features | virtio_block::feature::ro);
    const auto before = bench.store.bytes;
    fill(bench, data_at, 512, 9);
    CHECK(bench.request(RequestType::out, 0, {{data_at, 512}}) == ioerr);
    CHECK(zero(bench, RequestType::discard, 0, 8) == unsupp);
    CHECK(zero(bench, RequestType::write_zeroes, 0, 8) == unsupp);
    CHECK(bench.store.bytes == before);
    CHECK(bench.request(RequestType::in, 0, {{data_at, 512, true}}) == ok);
}

TEST_CASE("zeroes are written, and discards leave them", "[virtio_block]") {
    for (const auto type : {RequestType::discard, RequestType::write_zeroes}) {
        VirtioBench bench;
        bench.start();
        auto expected = bench.store.bytes;
        std::ranges::fill_n(expected.begin() + 3 * 512, 1000 * 512, std::byte{0});
        CHECK(zero(bench, type, 3, 1000) == ok);
        CHECK(bench.store.bytes == expected);
    }
}

TEST_CASE("what discards and zeroes may not be", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    CHECK(zero(bench, RequestType::write_zeroes, 0, 8, 1) == ok);  // unmap
    CHECK(zero(bench, RequestType::discard, 0, 8, 1) == unsupp);
    CHECK(zero(bench, RequestType::discard, 0, 8, 2) == unsupp);
    CHECK(zero(bench, RequestType::write_zeroes, 0, 8, 2) == unsupp);
    CHECK(zero(bench, RequestType::discard, 1024, 1) == ioerr);
    CHECK(zero(bench, RequestType::discard, ~0ull, 1) == ioerr);
    CHECK(zero(bench, RequestType::write_zeroes, 0, ~0u) == ioerr);
    CHECK(zero(bench, RequestType::discard, 0, 0) == ok);
    CHECK(bench.request(RequestType::discard, 0, {{data_at, 32}}) == unsupp);  // two ranges
    CHECK(bench.request(RequestType::discard, 0, {}) == unsupp);
}

TEST_CASE("an id is 20 bytes", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    fill(bench, data_at, 32, 3);
    const auto behind = guest_bytes(bench, data_at + 20, 12);
    CHECK(bench.request(RequestType::get_id, 0, {{data_at, 20, true}}) == ok);
    CHECK(std::string(reinterpret_cast<char*>(bench.memory.at({data_at})), 20) ==
          std::string("bench.img") + std::string(11, '\0'));
    CHECK(guest_bytes(bench, data_at + 20, 12) == behind);
    CHECK(bench.request(RequestType::get_id, 0, {{data_at, 4, true}}) == ok);
    CHECK(bench.request(RequestType::get_id, 0, {{data_at, 32, true}}) == ok);
}

TEST_CASE("what is not known is unsupported", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    CHECK(bench.request(RequestType::flush, 0) == ok);
    CHECK(bench.request(2, 0, {}) == unsupp);
    CHECK(bench.request(14, 0, {{data_at, 16}}) == unsupp);
    CHECK(bench.request(~0u, 0, {{data_at, 512, true}}) == unsupp);
}

TEST_CASE("a request without header or status is none", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    bench.chain(0, {{data_at, 15}, {data_at, 1, true}});
    bench.offer(0);
    bench.notify();
    CHECK(bench.needs_reset());
    bench.start();
    bench.chain(0, {{data_at, 16}});
    bench.offer(0);
    bench.notify();
    CHECK(bench.needs_reset());
    CHECK(bench.owner.log.back() ==
          "stands still until its driver resets it: a request is too "
          "short for its header or its status");
}

TEST_CASE("no room for what is written is an error, and a sentence", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    bench.store.full = true;
    CHECK(bench.request(RequestType::out, 0, {{data_at, 512}}) == ioerr);
    CHECK(zero(bench, RequestType::write_zeroes, 0, 1) == ioerr);
    CHECK(bench.owner.log.size() == 2);
    CHECK(bench.owner.log.front() ==
          "a request fails for want of memory; the boot option "
          "quota=SIZE may give the VM more");
    bench.store.full = false;
    CHECK(bench.request(RequestType::out, 0, {{data_at, 512}}) == ok);
}

TEST_CASE("what is long is done in turns", "[virtio_block]") {
    constexpr std::uint32_t size = 400 << 10;
    VirtioBench bench;
    bench.start();
    bench.prepare(0, 0, {{data_at, size, true}});
    bench.notify();
    CHECK(bench.owner.wanted == 1);
    CHECK(bench.used_index() == 0);
    CHECK_FALSE(bench.wire.up);
    int turns = 1;
    while (bench.device.work())
        ++turns;
    CHECK(turns == 6);  // and a last one, behind which there is no more
    CHECK(bench.status() == ok);
    CHECK(bench.wire.up);
    CHECK(guest_bytes(bench, data_at, size) == store_bytes(bench, 0, size));
    CHECK(bench.owner.wanted == 1);
}

TEST_CASE("what is slow to reach ends a turn", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    bench.memory.slow = {{data_at}, 4096};
    bench.prepare(0, 0, {{data_at, 512, true}});
    bench.notify();
    CHECK(bench.owner.wanted == 1);
    bench.memory.slow = {};
    CHECK_FALSE(bench.device.work());
    CHECK(bench.status() == ok);
}

TEST_CASE("a reset in the middle of a request forgets it", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    bench.prepare(0, 0, {{data_at, 400 << 10, true}});
    bench.notify();
    bench.set(virtio_mmio::Register::status, 0);
    CHECK_FALSE(bench.device.work());
    CHECK(bench.status() == 0xff);
    bench.start();
    CHECK(bench.request(RequestType::in, 1, {{data_at, 512, true}}) == ok);
    CHECK(bench.used_index() == 1);

    bench.prepare(0, 0, {{data_at, 400 << 10, true}});
    bench.notify();
    bench.set(virtio_mmio::Register::queue_ready, 0);
    CHECK_FALSE(bench.device.work());
    CHECK(bench.status() == 0xff);
}

TEST_CASE("many requests are one interrupt", "[virtio_block]") {
    VirtioBench bench;
    bench.start();
    for (int n = 0; n < 5; ++n)
        bench.prepare(4, 0, {});
    bench.notify();
    CHECK(bench.used_index() == 5);
    CHECK(bench.wire.calls == 1);
}

TEST_CASE("a disk has as many queues as it was made with", "[virtio_block]") {
    TwoQueues bench;
    CHECK((bench.offered() & virtio_block::feature::mq) != 0);
    CHECK(bench.device.read(0x100 + 34, AccessWidth::half) == 2u);
    bench.set(virtio_mmio::Register::queue_sel, 1);
    CHECK(bench.get(virtio_mmio::Register::queue_num_max) == VirtQueue::max_size);
    bench.set(virtio_mmio::Register::queue_sel, 2);
    CHECK(bench.get(virtio_mmio::Register::queue_num_max) == 0);
}

TEST_CASE("requests of several queues come in turn", "[virtio_block]") {
    TwoQueues bench;
    SecondQueue second(bench);
    for (std::uint32_t n = 0; n < 2; ++n) {
        bench.read(n, 24 << 10);
        second.read(n, 24 << 10);
    }
    bench.notify();
    CHECK(bench.used_index() == 1);
    CHECK(second.used_index() == 1);
    while (bench.device.work()) {
    }
    CHECK(bench.used_index() == 2);
    CHECK(second.used_index() == 2);
    second.read(0, 512);
    second.notify();
    CHECK(second.used_index() == 3);
    CHECK(bench.used_index() == 2);
}

TEST_CASE("each queue has its own wish for interrupts", "[virtio_block]") {
    TwoQueues bench;
    SecondQueue second(bench);
    bench.memory.store(GuestPhys{SecondQueue::avail}, std::uint16_t{1});
    second.read(0, 512);
    second.notify();
    CHECK(second.used_index() == 1);
    CHECK_FALSE(bench.wire.up);
    bench.read(0, 512);
    bench.notify();
    CHECK(bench.wire.up);
}

TEST_CASE("a wrong ring of one queue stops the device", "[virtio_block]") {
    TwoQueues bench;
    SecondQueue second(bench);
    bench.memory.store(GuestPhys{SecondQueue::avail + 2}, std::uint16_t{99});
    second.notify();
    CHECK(bench.needs_reset());
    CHECK(bench.owner.log.size() == 1);
    bench.read(0, 512);
    bench.notify();
    CHECK(bench.used_index() == 0);
}

TEST_CASE("a queue that is reset takes its request with it, and no other's", "[virtio_block]") {
    const auto reset = [](TwoQueues& bench, std::uint32_t queue) {
        bench.set(virtio_mmio::Register::queue_sel, queue);
        bench.set(virtio_mmio::Register::queue_reset, 1);
    };
    for (const std::uint32_t which : {0u, 1u}) {
        TwoQueues bench;
        SecondQueue second(bench);
        second.read(0, 128 << 10);  // takes more than a turn
        second.notify();
        CHECK(second.used_index() == 0);
        reset(bench, which);
        while (bench.device.work()) {
        }
        CHECK(second.used_index() == (which == 0 ? 1 : 0));
    }
}
