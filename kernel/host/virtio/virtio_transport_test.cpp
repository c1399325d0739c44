// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/virtio_transport.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/host_virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_mmio::Register;

namespace {

struct Sevens final : RandomSource {
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out)
            byte = std::byte{7};
    }
};

struct Bench {
    explicit Bench(bool legacy = false) : device(rng, legacy) {}
    VirtioTransport::Done start() {
        auto started = transport.identify_and_negotiate(0);
        if (started) started = transport.add_queue(0, *queue, 4);
        return started;
    }
    Sevens source;
    VirtioRng rng{source};
    HostDevice device;
    VirtioTransport transport{device};
    LowPointer<DriverQueue> queue;
};

}  // namespace

TEST_CASE("a device is brought up and does what is asked, modern or legacy", "[virtio_transport]") {
    for (const bool legacy : {false, true}) {
        CAPTURE(legacy);
        Bench bench(legacy);
        CHECK(bench.transport.identify() == virtio::entropy_device_id);
        REQUIRE(bench.start());
        bench.transport.go();
        CHECK(bench.queue->size() == DriverQueue::max_size);
        std::array<std::byte, 16> bytes{};
        const DriverQueue::Segment segment{
            {reinterpret_cast<std::uintptr_t>(bytes.data())}, 16, true};
        bench.queue->add({&segment, 1}, &bench);
        CHECK(bench.queue->wants_notification());
        bench.transport.notify(0);
        CHECK(bytes[15] == std::byte{7});
        CHECK(bench.device.wire.up);
        CHECK(bench.transport.take_events() == virtio_mmio::interrupt::used_buffer);
        CHECK_FALSE(bench.device.wire.up);
        const auto used = bench.queue->take_used();
        REQUIRE((used && *used));
        CHECK((*used)->written == 16);
        CHECK(bench.transport.stop());
        CHECK(bench.device.read(Register::status) == 0);
        bench.device.lies[Register::status] = virtio::status::driver_ok;
        CHECK_FALSE(bench.transport.stop());
        CHECK_FALSE(bench.transport.has_stopped());
        CHECK(bench.device.log.empty());
    }
}

TEST_CASE("a legacy device is set up by its pages", "[virtio_transport]") {
    Bench bench(true);
    REQUIRE(bench.start());
    const auto page = static_cast<std::uint32_t>(bench.queue->descriptors().value / 4096);
    const std::vector<HostDevice::Write> expected{{Register::guest_page_size, 4096},
                                                  {Register::queue_sel, 0},
                                                  {Register::queue_num, 256},
                                                  {Register::queue_align, 4096},
                                                  {Register::queue_pfn, page}};
    REQUIRE(bench.device.writes.size() >= expected.size());
    const std::vector<HostDevice::Write> last(bench.device.writes.end() - 5,
                                              bench.device.writes.end());
    CHECK(last == expected);
}

TEST_CASE("each lie of a device is a fault", "[virtio_transport]") {
    struct Case {
        Register which;
        std::uint32_t lie;
        VirtioFault fault;
    };
    for (const Case& one : {Case{Register::magic_value, 0, VirtioFault::no_virtio},
                            Case{Register::version, 0, VirtioFault::unknown_version},
                            Case{Register::version, 3, VirtioFault::unknown_version},
                            Case{Register::status, 128, VirtioFault::no_reset},
                            Case{Register::device_features, 0, VirtioFault::no_version_1},
                            Case{Register::status, 0, VirtioFault::features_refused},
                            Case{Register::queue_ready, 1, VirtioFault::queue_in_use},
                            Case{Register::queue_num_max, 0, VirtioFault::queue_too_small},
                            Case{Register::queue_num_max, 3, VirtioFault::queue_too_small}}) {
        Bench bench;
        bench.device.lies[one.which] = one.lie;
        const auto started = bench.start();
        REQUIRE_FALSE(started);
        CHECK(started.error() == one.fault);
        CHECK_FALSE(to_string(one.fault).empty());
    }
}

TEST_CASE("a queue has as many entries as both sides can have", "[virtio_transport]") {
    for (const auto& [most, size] : {std::pair{100u, 64u}, {4u, 4u}, {1u << 20, 256u}}) {
        Bench bench;
        bench.device.lies[Register::queue_num_max] = most;
        REQUIRE(bench.start());
        CHECK(bench.queue->size() == size);
    }
}
