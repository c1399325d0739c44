// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/disk_overlay.hpp"

#include <random>

#include "tests/unit/catch.hpp"
#include "tests/unit/overlay_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using Operation = BlockBackend::Operation;

namespace {

/// Numbers by a seed.
Choice random_choice(unsigned seed) {
    return [random = std::mt19937(seed)](std::uint64_t bound) mutable { return random() % bound; };
}

/// One that has been opened.
struct Opened : OverlayBench {
    explicit Opened(std::uint64_t sectors = 300) : OverlayBench(sectors, random_choice(1)) {
        REQUIRE(start().has_value());
    }
};

std::uint64_t area_of(const OverlayBench& bench) {
    return OverlayArea{bench.image.size()}.size();
}
bool is_set(const OverlayBench& bench, std::uint64_t sector) {
    return (bench.disk.get(8 + sector / 4096)[sector / 8 % 512] >> sector % 8 & std::byte{1}) !=
           std::byte{0};
}

}  // namespace

TEST_CASE("what was never written comes from the image, at once", "[disk_overlay]") {
    Opened bench;
    const auto& asked = bench.ask_for(Operation::read, 7, 4);
    CHECK(asked.is_over);
    CHECK(std::memcmp(asked.data.data(), &bench.image[7 * 512], 4 * 512) == 0);
    CHECK(bench.disk.under_way.empty());
}

TEST_CASE("what is written is the disk's, and found again when it was flushed", "[disk_overlay]") {
    Opened bench;
    const auto written = bench.ask_for(Operation::write, 7, 2).data;
    bench.settle();
    const auto first = area_of(bench) / 512;
    CHECK(std::memcmp(bench.disk.get(first + 8).data(), &written[512], 512) == 0);
    CHECK_FALSE(is_set(bench, 7));
    (void)bench.ask_for(Operation::flush, 0, 0);
    bench.settle();
    CHECK(is_set(bench, 7));
    CHECK(is_set(bench, 8));
    CHECK_FALSE(is_set(bench, 9));
    bench.cut_power();
    REQUIRE(bench.start().has_value());
    bench.check_all();
}

TEST_CASE("a sync flushes the data, writes the bits, and flushes those", "[disk_overlay]") {
    Opened bench;
    (void)bench.ask_for(Operation::write, 7, 1);
    bench.settle();
    const auto& flush = bench.ask_for(Operation::flush, 0, 0);
    for (const auto expected : {Operation::flush, Operation::write, Operation::flush}) {
        CHECK_FALSE(flush.is_over);
        REQUIRE(bench.disk.under_way.size() == 1);
        CHECK(bench.disk.under_way[0].request.operation == expected);
        bench.disk.complete(0);
        bench.overlay->carry_on();
    }
    CHECK(flush.is_over);
    const std::size_t before = bench.disk.flushes;
    (void)bench.ask_for(Operation::flush, 0, 0);  // nothing has changed
    bench.settle();
    CHECK(bench.disk.flushes == before + 1);
}

TEST_CASE("a write amid a sync is not among its bits", "[disk_overlay]") {
    Opened bench;
    (void)bench.ask_for(Operation::write, 7, 1);
    bench.settle();
    (void)bench.ask_for(Operation::flush, 0, 0);
    (void)bench.ask_for(Operation::write, 9, 1);
    bench.disk.complete(1);  // the write, before the first flush
    bench.overlay->carry_on();
    bench.disk.complete(0);
    bench.overlay->carry_on();
    bench.disk.complete(0);  // the bits
    CHECK(is_set(bench, 7));
    CHECK_FALSE(is_set(bench, 9));
    bench.settle();
    (void)bench.ask_for(Operation::flush, 0, 0);
    bench.settle();
    CHECK(is_set(bench, 9));
}

TEST_CASE("flushes that come amid a sync share the next one", "[disk_overlay]") {
    Opened bench;
    const std::size_t before = bench.disk.flushes;
    for (int n = 0; n < 5; ++n)
        (void)bench.ask_for(Operation::flush, 0, 0);
    bench.settle();
    CHECK(bench.disk.flushes == before + 2);
}

TEST_CASE("an error of the disk is the request's, and the next sync tries again",
          "[disk_overlay]") {
    Opened bench;
    (void)bench.ask_for(Operation::write, 7, 1);
    bench.settle();
    for (std::size_t fails = 0; fails < 3; ++fails) {
        const auto& flush = bench.ask_for(Operation::flush, 0, 0);
        for (std::size_t n = 0; n <= fails; ++n) {
            bench.disk.complete(0, n == fails);
            bench.overlay->carry_on();
        }
        CHECK(flush.status == virtio_block::Status::ioerr);
        CHECK(bench.disk.under_way.empty());
    }
    (void)bench.ask_for(Operation::flush, 0, 0);
    bench.settle();
    CHECK(is_set(bench, 7));
    bench.cut_power();
    REQUIRE(bench.start().has_value());
    bench.check_all();
}

TEST_CASE("a read whose sectors are first written meanwhile begins anew", "[disk_overlay]") {
    Opened bench;
    (void)bench.ask_for(Operation::write, 7, 1);
    bench.settle();
    const auto& read = bench.ask_for(Operation::read, 6, 4);
    const auto& write = bench.ask_for(Operation::write, 8, 1);
    bench.disk.complete(0);  // what it has read of sector 8 is nobody's
    bench.disk.complete(0);
    bench.overlay->carry_on();
    CHECK(write.is_over);
    bench.settle();
    CHECK(read.is_over);  // the bench has looked at what it got
}

TEST_CASE("much of the image is copied in turns", "[disk_overlay]") {
    Opened bench(2048);
    const auto& read = bench.ask_for(Operation::read, 0, 1024);
    int turns = 0;
    for (; !read.is_over; ++turns) {
        CHECK(bench.wanted > turns);
        bench.overlay->carry_on();
    }
    CHECK(turns >= 7);
    CHECK(turns <= 10);
}

TEST_CASE("what the disk has no room for is sent later", "[disk_overlay]") {
    Opened bench;
    bench.disk.room = 0;
    const auto& write = bench.ask_for(Operation::write, 7, 1);
    bench.overlay->carry_on();
    CHECK(bench.disk.under_way.empty());
    bench.disk.room = 1;
    bench.settle();
    CHECK(write.status == virtio_block::Status::ok);
}

TEST_CASE("what was not flushed is, where it ends in order", "[disk_overlay]") {
    Opened bench;
    (void)bench.ask_for(Operation::write, 7, 1);
    bench.settle();
    bench.close();
    CHECK(is_set(bench, 7));
}

TEST_CASE("what is flushed survives, and nothing appears that was never written",
          "[disk_overlay]") {
    for (unsigned seed = 0; seed < 60; ++seed) {
        OverlayBench bench(200 + seed, random_choice(seed));
        bench.disk.room = 1 + seed % 20;
        for (int life = 0; life < 6; ++life) {
            REQUIRE(bench.start().has_value());
            bench.check_start();
            for (int n = 0; n < 400; ++n)
                bench.step();
            if (life % 3 == 2) {
                bench.settle();
                bench.close();
                bench.check_all();
            }
            bench.cut_power();
        }
    }
}

TEST_CASE("the same of a bitmap of several pages", "[disk_overlay]") {
    OverlayBench bench(OverlayArea::sectors_of_page + 100, random_choice(7));
    bench.hot = 90;
    for (int life = 0; life < 3; ++life) {
        REQUIRE(bench.start().has_value());
        bench.check_start();
        for (int n = 0; n < 2000; ++n)
            bench.step();
        bench.cut_power();
    }
}

TEST_CASE("a disk that will not do is refused, and stays as it is", "[disk_overlay]") {
    const auto refused = [](auto change) {
        OverlayBench bench(300, random_choice(1));
        REQUIRE(bench.start().has_value());
        bench.settle();
        bench.close();
        bench.cut_power();
        change(bench);
        const auto before = bench.disk.stable;
        const auto started = bench.start();
        REQUIRE_FALSE(started.has_value());
        CHECK(bench.disk.stable == before);
        CHECK(bench.disk.written.empty());
        return started.error();
    };
    using enum OverlayFault;
    CHECK(refused([](auto& bench) { bench.disk.read_only = true; }) == read_only);
    CHECK(refused([](auto& bench) { bench.disk.stable.resize(area_of(bench) + 299 * 512); }) ==
          too_small);
    CHECK(refused([](auto& bench) { bench.disk.blocks = 4096; }) == blocks);
    CHECK(refused([](auto& bench) { bench.image[5] ^= std::byte{1}; }) == other_image);
    CHECK(refused([](auto& bench) { bench.image.resize(299 * 512); }) == other_image);
    CHECK(refused([](auto& bench) { bench.disk.stable[9] = std::byte{2}; }) == damaged);
    CHECK(refused([](auto& bench) { bench.disk.stable[20] ^= std::byte{1}; }) == damaged);
    CHECK(refused([](auto& bench) { bench.disk.stable[1] = std::byte{0}; }) == foreign);
    for (const std::size_t at : {std::size_t{1080}, std::size_t{65536 + 64}}) {  // ext4, btrfs
        CHECK(refused([at](auto& bench) {
                  std::fill_n(bench.disk.stable.begin(), 4096, std::byte{0});
                  bench.disk.stable[at] = std::byte{0x53};
              }) == foreign);
    }
}

TEST_CASE("where an overlay's parts lie", "[disk_overlay]") {
    CHECK(OverlayArea{512}.pages() == 1);
    CHECK(OverlayArea{16 << 20}.pages() == 1);
    CHECK(OverlayArea{(16 << 20) + 512}.pages() == 2);
    CHECK(OverlayArea{16 << 20}.size() == 128 << 10);
    CHECK(OverlayArea{std::uint64_t{31} << 24}.size() == 128 << 10);
    CHECK(OverlayArea{std::uint64_t{32} << 24}.size() == 256 << 10);
    CHECK(OverlayArea{1 << 20}.disk_size() == (1 << 20) + (128 << 10));
}
