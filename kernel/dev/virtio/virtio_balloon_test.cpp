// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_balloon.hpp"

#include <numeric>
#include <set>

#include "tests/unit/catch.hpp"
#include "tests/unit/shown_registers.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

namespace feature = virtio_balloon::feature;
using virtio_balloon::deflate_queue;
using virtio_balloon::inflate_queue;
using virtio_balloon::stats_queue;

struct Pages final : BalloonMemory {
    bool put_in(GuestPhys page) override { return inside.insert(page.value >> 12).second; }
    bool take_out(GuestPhys page) override {
        if (lacks) return false;
        inside.erase(page.value >> 12);
        ++taken_out;
        return true;
    }
    void discard(GuestRange range) override { discarded.push_back(range); }
    void empty() override { inside.clear(); }

    std::set<std::uint64_t> inside;
    std::vector<GuestRange> discarded;
    bool lacks = false;
    int taken_out = 0;
};

/// The bench of disks has a driver for any device, and knows what the rings are: each queue has its
/// own, 64 KiB behind those of the one before.
struct Bench : VirtioBench {
    Bench() { balloon_device.connect(wire); }
    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            balloon_device.read(static_cast<std::uint64_t>(which), AccessWidth::word)
                .value_or(~0ull));
    }
    void set(Register which, std::uint64_t value) {
        (void)balloon_device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    void start_balloon(std::initializer_list<std::size_t> ready,
                       std::uint64_t features = feature::must_tell_host | feature::stats_vq |
                                                feature::reporting) {
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features);
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, 1);
        set(Register::status, virtio::status::features_ok);
        for (const std::size_t queue : ready) {
            set(Register::queue_sel, queue);
            set(Register::queue_num, queue_size);
            set(Register::queue_desc_low, descriptors + offset(queue));
            set(Register::queue_avail_low, avail + offset(queue));
            set(Register::queue_used_low, used + offset(queue));
            set(Register::queue_ready, 1);
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    }
    static std::uint64_t offset(std::size_t queue) { return queue << 16; }

    void put(std::size_t queue, const std::vector<Buffer>& buffers) {
        chain(0, buffers, descriptors + offset(queue));
        memory.store(GuestPhys{avail + offset(queue) + 4 + count[queue] % queue_size * 2u},
                     std::uint16_t{0});
        memory.store(GuestPhys{avail + offset(queue) + 2}, ++count[queue]);
        set(Register::queue_notify, queue);
        work();
    }
    void work() {
        while (balloon_device.work()) {
        }
    }
    /// How many chains the driver has again.
    std::uint16_t used_of(std::size_t queue) {
        return memory.load<std::uint16_t>(GuestPhys{used + offset(queue) + 2});
    }
    void pages(std::size_t queue, const std::vector<std::uint32_t>& numbers) {
        for (std::size_t n = 0; n < numbers.size(); ++n)
            memory.store(GuestPhys{at + n * 4}, numbers[n]);
        put(queue, {{at, static_cast<std::uint32_t>(numbers.size() * 4)}});
    }
    static constexpr std::uint64_t at = 0x8008'0000;

    Pages guest;
    VirtioBalloon balloon{guest};
    VirtioMmio balloon_device{balloon, memory, owner};
    std::array<std::uint16_t, virtio_balloon::queue_count> count{};
};

TEST_CASE("a configuration that is shown has a generation before and behind", "[virtio_balloon]") {
    Bench bench;
    const ShownRegisters shown(bench.balloon_device);
    CHECK(shown.are_in_step());
    bench.start_balloon({inflate_queue, deflate_queue});
    const std::uint32_t before = bench.get(Bench::Register::config_generation);
    bench.balloon.want_pages(7);
    bench.balloon_device.config_changed();
    CHECK(bench.get(Bench::Register::config_generation) >= before + 2);
    CHECK(shown.are_in_step());
    (void)bench.balloon_device.write(0x104, AccessWidth::word, 3);  // actual
    CHECK(bench.balloon_device.read(0x104, AccessWidth::word) == 3u);
    CHECK(shown.are_in_step());
    bench.balloon_device.reset();
    CHECK(bench.balloon_device.read(0x104, AccessWidth::word) == 0u);
    CHECK(shown.are_in_step());
}

TEST_CASE("a driver finds a balloon and what it is to hold", "[virtio_balloon]") {
    Bench bench;
    CHECK(bench.get(Bench::Register::device_id) == 5);
    CHECK(bench.get(Bench::Register::device_features) ==
          (0x23 | static_cast<std::uint32_t>(virtio::feature::ring_indirect_desc |
                                             virtio::feature::ring_event_idx)));
    const std::uint32_t before = bench.get(Bench::Register::config_generation);
    bench.balloon.want_pages(0x1234);
    bench.balloon_device.config_changed();
    CHECK_FALSE(bench.wire.up);  // no driver is there yet
    bench.start_balloon({inflate_queue, deflate_queue});
    CHECK(bench.balloon_device.read(0x100, AccessWidth::word) == 0x1234u);
    bench.balloon.want_pages(7);
    bench.balloon_device.config_changed();
    CHECK(bench.get(Bench::Register::interrupt_status) == virtio_mmio::interrupt::config_change);
    CHECK(bench.wire.up);
    CHECK(bench.get(Bench::Register::config_generation) != before);
    CHECK(bench.balloon_device.read(0x100, AccessWidth::word) == 7u);
    (void)bench.balloon_device.write(0x104, AccessWidth::word, 3);  // actual
    (void)bench.balloon_device.write(0x100, AccessWidth::word, 9);  // not the driver's
    (void)bench.balloon_device.write(0x104, AccessWidth::byte, 9);
    CHECK(bench.balloon_device.read(0x100, AccessWidth::word) == 7u);
    CHECK(bench.balloon_device.read(0x104, AccessWidth::word) == 3u);
}

TEST_CASE("pages go in and out", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue, deflate_queue});
    bench.pages(inflate_queue, {0x80100, 0x80101, 0x80100, 0xffff'ffff, 0});
    CHECK(bench.guest.inside == std::set<std::uint64_t>{0x80100, 0x80101, 0xffff'ffff, 0});
    CHECK(bench.used_of(inflate_queue) == 1);
    bench.pages(deflate_queue, {0x80101, 0x80999});
    CHECK(bench.guest.inside == std::set<std::uint64_t>{0x80100, 0xffff'ffff, 0});
    CHECK(bench.used_of(deflate_queue) == 1);
    bench.put(inflate_queue, {{Bench::at, 3}});  // no whole number
    CHECK(bench.used_of(inflate_queue) == 2);
    bench.set(Bench::Register::status, 0);
    CHECK(bench.guest.inside.empty());
}

TEST_CASE("numbers may lie in several buffers, and across their edges", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue});
    for (std::uint32_t n = 0; n < 4; ++n)
        bench.memory.store(GuestPhys{Bench::at + n * 4}, 0x80200 + n);
    bench.put(inflate_queue, {{Bench::at, 6}, {Bench::at + 6, 10}});
    CHECK(bench.guest.inside == std::set<std::uint64_t>{0x80200, 0x80201, 0x80202, 0x80203});
}

TEST_CASE("a guest waits for what the machine has not, and loses nothing by it",
          "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue, deflate_queue});
    bench.pages(inflate_queue, {1, 2, 3});
    bench.guest.lacks = true;
    bench.pages(deflate_queue, {1, 2, 3});
    bench.work();
    CHECK(bench.balloon.is_waiting());
    CHECK(bench.used_of(deflate_queue) == 0);
    CHECK(bench.owner.log.size() == 1);
    bench.pages(inflate_queue, {4});  // meanwhile
    CHECK(bench.used_of(inflate_queue) == 2);
    bench.guest.lacks = false;
    for (std::uint32_t n = 0; n < 3; ++n)  // as the request was when it was found out
        bench.memory.store(GuestPhys{Bench::at + n * 4}, n + 1);
    bench.work();
    CHECK_FALSE(bench.balloon.is_waiting());
    CHECK(bench.used_of(deflate_queue) == 1);
    CHECK(bench.guest.taken_out == 3);
    CHECK(bench.guest.inside == std::set<std::uint64_t>{4});
}

TEST_CASE("what waits is forgotten by a reset", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue, deflate_queue});
    bench.guest.lacks = true;
    bench.pages(deflate_queue, {1});
    CHECK(bench.balloon.is_waiting());
    bench.set(Bench::Register::status, 0);
    CHECK_FALSE(bench.balloon.is_waiting());
    bench.guest.lacks = false;
    bench.work();
    CHECK(bench.guest.taken_out == 0);
}

TEST_CASE("a long request is done in turns", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue});
    std::vector<std::uint32_t> numbers(2000);
    std::iota(numbers.begin(), numbers.end(), 5u);
    for (std::size_t n = 0; n < numbers.size(); ++n)
        bench.memory.store(GuestPhys{Bench::at + n * 4}, numbers[n]);
    bench.chain(0, {{Bench::at, 8000}}, Bench::descriptors);
    bench.offer(0);
    bench.set(Bench::Register::queue_notify, inflate_queue);
    CHECK(bench.guest.inside.size() < 300);  // within the exit
    CHECK(bench.owner.wanted == 1);
    bench.work();
    CHECK(bench.guest.inside.size() == 2000);
}

TEST_CASE("the buffer of statistics is the driver's again when somebody asks", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue, deflate_queue, stats_queue});
    const auto stat = [&](std::size_t n, std::uint16_t tag, std::uint64_t value) {
        bench.memory.store(GuestPhys{Bench::at + n * 10}, tag);
        bench.memory.store(GuestPhys{Bench::at + n * 10 + 2}, value);
    };
    stat(0, 5, 1000);
    stat(1, 77, 5);  // not known
    stat(2, 4, 600);
    bench.put(stats_queue, {{Bench::at, 30}});
    CHECK(bench.balloon.stats().total == 1000u);
    CHECK(bench.balloon.stats().free == 600u);
    CHECK_FALSE(bench.balloon.stats().available);
    CHECK(bench.used_of(stats_queue) == 0);
    bench.balloon.want_stats();
    bench.work();
    CHECK(bench.used_of(stats_queue) == 1);
    stat(0, 6, 800);
    bench.put(stats_queue, {{Bench::at, 19}});  // of which nine are no statistic
    CHECK(bench.balloon.stats().available == 800u);
    CHECK(bench.used_of(stats_queue) == 1);
}

TEST_CASE("reported memory is discarded in pieces that end on 2 MiB", "[virtio_balloon]") {
    constexpr std::uint64_t mebi = 1 << 20;
    const std::size_t queue = GENERATE(2u, 3u, 4u);
    const std::uint64_t stats = queue == 2 ? 0 : feature::stats_vq;
    Bench bench;
    BenchMemory large(8 * mebi);
    VirtioMmio device{bench.balloon, large, bench.owner};
    device.connect(bench.wire);
    const auto set = [&](Bench::Register which, std::uint64_t value) {
        (void)device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    };
    set(Bench::Register::driver_features, feature::reporting | feature::must_tell_host | stats);
    set(Bench::Register::driver_features_sel, 1);
    set(Bench::Register::driver_features, 1);
    set(Bench::Register::status, virtio::status::features_ok);
    set(Bench::Register::queue_sel, queue);
    set(Bench::Register::queue_num, 8);
    set(Bench::Register::queue_desc_low, Bench::descriptors);
    set(Bench::Register::queue_avail_low, Bench::avail);
    set(Bench::Register::queue_used_low, Bench::used);
    set(Bench::Register::queue_ready, 1);
    set(Bench::Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    const std::uint64_t begin = 0x8000'0000 + mebi;
    large.store(GuestPhys{Bench::descriptors},
                virtio_ring::Descriptor{begin, 6 * mebi, virtio_ring::desc_write, 0});
    large.store(GuestPhys{Bench::avail + 2}, std::uint16_t{1});
    set(Bench::Register::queue_notify, queue);
    while (device.work()) {
    }
    CHECK(large.load<std::uint16_t>(GuestPhys{Bench::used + 2}) == 1);
    CHECK(bench.guest.discarded == std::vector<GuestRange>{{{begin}, mebi},
                                                           {{begin + mebi}, 2 * mebi},
                                                           {{begin + 3 * mebi}, 2 * mebi},
                                                           {{begin + 5 * mebi}, mebi}});
}

TEST_CASE("a ring against the rules stops the balloon", "[virtio_balloon]") {
    Bench bench;
    bench.start_balloon({inflate_queue});
    bench.put(inflate_queue, {{0x10, 4}});  // outside RAM
    CHECK((bench.get(Bench::Register::status) & virtio::status::needs_reset) != 0);
    CHECK(bench.guest.inside.empty());
}

}  // namespace
