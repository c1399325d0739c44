// SPDX-License-Identifier: MIT
// An entropy device in a VM: from its driver's registers to the machine's own device.
#include "kernel/vm/virtio/guest_rng.hpp"

#include <vector>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/host_virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using enum virtio_mmio::Register;

namespace {

constexpr std::uint64_t ram = 0x8000'0000;

struct Counter final : RandomSource {
    void fill(std::span<std::byte>) override { ++asked; }
    unsigned asked = 0;
};

struct Bench {
    Bench() {
        fake_csr_access = [] {};
        csr_write<Csr::time>(100);
        REQUIRE(host->start(machine, HostSource::virtio, [](std::span<const std::byte>) {}, 1000));
        guest.port().device().connect(wire);
        set(driver_features_sel, 1);
        set(driver_features, 1);
        set(status, virtio::status::features_ok);
        set(queue_num, 4);
        set(queue_desc_low, ram);
        set(queue_avail_low, ram + 0x1000);
        set(queue_used_low, ram + 0x2000);
        set(queue_ready, 1);
        set(status, virtio::status::features_ok | virtio::status::driver_ok);
        constexpr virtio_ring::Descriptor all{ram + 0x3000, 16, virtio_ring::desc_write, 0};
        REQUIRE(memory.store(GuestPhys{ram}, all));
    }
    ~Bench() { csr_write<Csr::time>(0); }

    void set(virtio_mmio::Register which, std::uint64_t value) {
        const auto at = static_cast<std::uint64_t>(which);
        REQUIRE(guest.port().device().write(at, AccessWidth::word, value));
    }
    /// The guest asks for 16 bytes, and the machine's device answers what it was asked.
    void draw() {
        REQUIRE(memory.store(GuestPhys{ram + 0x1002}, ++draws));
        set(queue_notify, 0);
        REQUIRE(memory.load<std::uint16_t>(GuestPhys{ram + 0x2002}) == draws);
        host->interrupted();
    }

    Counter source;
    VirtioRng device{source};
    HostDevice machine{device};
    LowPointer<HostRng> host;
    std::vector<std::byte> bytes = std::vector<std::byte>(0x4000);
    GuestMemory memory{{ram}, bytes};
    DeviceTasks tasks;
    Wire wire;
    GuestRng guest{*host, memory, tasks, 10'000};
    std::uint16_t draws = 0;
};

}  // namespace

TEST_CASE("a guest that draws has the machine asked, a hundred times a second at most",
          "[guest_rng]") {
    Bench bench;
    bench.host->interrupted();
    CHECK(bench.source.asked == 1);  // at the start
    bench.draw();
    CHECK(bench.source.asked == 2);
    for (int n = 0; n < 5; ++n)
        bench.draw();
    CHECK(bench.source.asked == 2);
    csr_write<Csr::time>(199);
    bench.draw();
    CHECK(bench.source.asked == 2);
    csr_write<Csr::time>(200);
    bench.draw();
    CHECK(bench.source.asked == 3);
}
