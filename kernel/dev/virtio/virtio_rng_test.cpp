// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_rng.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Nines final : RandomSource {
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out)
            byte = std::byte{9};
        bytes += out.size();
    }
    std::uint64_t bytes = 0;
};

/// The bench of disks has a driver for any device, and knows what the rings are.
struct Bench : VirtioBench {
    Bench() { rng_device.connect(wire); }
    std::uint32_t get(Register which) {
        return static_cast<std::uint32_t>(
            rng_device.read(static_cast<std::uint64_t>(which), AccessWidth::word).value_or(~0ull));
    }
    void set(Register which, std::uint64_t value) {
        (void)rng_device.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    void start_rng() {
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, 1);
        set(Register::status, virtio::status::features_ok);
        set(Register::queue_num, queue_size);
        set(Register::queue_desc_low, descriptors);
        set(Register::queue_avail_low, avail);
        set(Register::queue_used_low, used);
        set(Register::queue_ready, 1);
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
    }
    std::uint32_t ask(const std::vector<Buffer>& buffers) {
        chain(0, buffers);
        offer(0);
        set(Register::queue_notify, 0);
        while (rng_device.work()) {
        }
        return used_element(used_index() - 1u).length;
    }
    std::byte byte(std::uint64_t at) { return *memory.at({at}); }

    Nines source;
    VirtioRng rng{source};
    VirtioMmio rng_device{rng, memory, owner};
};

constexpr std::uint64_t at = VirtioBench::data_at;

}  // namespace

TEST_CASE("buffers are filled with what the source gives", "[virtio_rng]") {
    Bench bench;
    CHECK(bench.get(virtio_mmio::Register::device_id) == 4);
    bench.start_rng();
    CHECK(bench.ask({{at, 16, true}}) == 16);
    CHECK(bench.byte(at + 15) == std::byte{9});
    CHECK(bench.byte(at + 16) == std::byte{0});
    CHECK(bench.wire.up);
    CHECK(bench.ask({{at + 100, 3, true}, {at + 200, 5, true}}) == 8);
    CHECK(bench.byte(at + 103) == std::byte{0});
    CHECK(bench.byte(at + 204) == std::byte{9});
}

TEST_CASE("a long buffer is not filled whole", "[virtio_rng]") {
    Bench bench;
    bench.start_rng();
    CHECK(bench.ask({{at, 0x8000, true}}) == VirtioRng::most_bytes);
    CHECK(bench.source.bytes == VirtioRng::most_bytes);
}

TEST_CASE("many requests take turns", "[virtio_rng]") {
    Bench bench;
    bench.start_rng();
    bench.chain(0, {{at, 1024, true}});
    for (int n = 0; n < 8; ++n)
        bench.offer(0);
    bench.set(virtio_mmio::Register::queue_notify, 0);
    CHECK(bench.used_index() == 2);  // 64 KiB at 32 a byte
    CHECK(bench.owner.wanted == 1);
    while (bench.rng_device.work()) {
    }
    CHECK(bench.used_index() == 8);
}

TEST_CASE("a request with nothing to write to is against the rules", "[virtio_rng]") {
    Bench bench;
    bench.start_rng();
    bench.chain(0, {{at, 16}});
    bench.offer(0);
    bench.set(virtio_mmio::Register::queue_notify, 0);
    CHECK((bench.get(virtio_mmio::Register::status) & virtio::status::needs_reset) != 0);
    CHECK(bench.source.bytes == 0);
}

TEST_CASE("no configuration is there to be read", "[virtio_rng]") {
    Bench bench;
    CHECK(bench.rng_device.read(0x100, AccessWidth::word) == 0u);
}
