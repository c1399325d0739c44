// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_rng.hpp"

#include <vector>

#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/host_virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// Each byte is one more than the last.
struct Counter final : RandomSource {
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out)
            byte = std::byte{next++};
    }
    std::uint8_t next = 0;
};

std::vector<std::vector<std::byte>> taken;
void take(std::span<const std::byte> bytes) {
    taken.emplace_back(bytes.begin(), bytes.end());
}

struct Bench {
    explicit Bench(bool legacy = false) : device(rng, legacy) {
        taken.clear();
        // `time` goes on whenever it is looked at.
        fake_csr_access = [] { fake_csrs[static_cast<std::size_t>(Csr::time)] += 1; };
    }
    ~Bench() {
        fake_csr_access = [] {};
    }
    auto start() { return host->start(device, HostSource::virtio, take, 1000); }

    Counter source;
    VirtioRng rng{source};
    HostDevice device;
    LowPointer<HostRng> host;
};

}  // namespace

TEST_CASE("the machine's device gives its first bytes at the start", "[host_rng]") {
    for (const bool legacy : {false, true}) {
        Bench bench(legacy);
        REQUIRE(bench.start());
        CHECK(bench.host->works());
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].size() == HostRng::seed_bytes);
        CHECK(taken[0][31] == std::byte{31});
    }
}

TEST_CASE("more comes by interrupt, one request at a time", "[host_rng]") {
    Bench bench;
    REQUIRE(bench.start());
    bench.host->interrupted();  // of the first
    CHECK_FALSE(bench.device.wire.up);
    bench.host->ask();
    bench.host->ask();  // has been asked already
    CHECK(bench.device.wire.up);
    CHECK(taken.size() == 1);
    bench.host->interrupted();
    REQUIRE(taken.size() == 2);
    CHECK(taken[1][0] == std::byte{32});
    CHECK_FALSE(bench.device.wire.up);
}

TEST_CASE("a device that does not answer, or is none, is left alone", "[host_rng]") {
    Bench bench;
    SECTION("it is silent") {
        bench.device.device().reset();
        bench.device.lies[virtio_mmio::Register::queue_num_max] = 128;
        struct Deaf final : VirtioRegisters {
            explicit Deaf(VirtioRegisters& real) : real_(real) {}
            std::uint32_t read(virtio_mmio::Register which) override { return real_.read(which); }
            void write(virtio_mmio::Register which, std::uint32_t value) override {
                if (which != virtio_mmio::Register::queue_notify) real_.write(which, value);
            }
            std::uint8_t read_config(std::uint64_t at) override { return real_.read_config(at); }
            VirtioRegisters& real_;
        } deaf{bench.device};
        const auto started = bench.host->start(deaf, HostSource::virtio, take, 1000);
        REQUIRE_FALSE(started);
        CHECK(started.error() == VirtioFault::silent);
        CHECK(bench.device.read(virtio_mmio::Register::status) == 0);
    }
    SECTION("it has no queue") {
        bench.device.lies[virtio_mmio::Register::queue_num_max] = 0;
        CHECK(bench.start().error() == VirtioFault::queue_too_small);
    }
    CHECK_FALSE(bench.host->works());
    CHECK(taken.empty());
    bench.host->ask();  // is fine
    bench.host->interrupted();
}
