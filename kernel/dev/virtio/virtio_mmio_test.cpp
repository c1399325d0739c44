// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_mmio.hpp"

#include <string>

#include "tests/unit/catch.hpp"
#include "tests/unit/shown_registers.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using enum virtio_mmio::Register;
namespace device_status = virtio::status;
namespace feature = virtio::feature;

TEST_CASE("the registers say what the device is", "[virtio_mmio]") {
    VirtioBench bench;
    CHECK(bench.get(magic_value) == 0x7472'6976);
    CHECK(bench.get(version) == 2);
    CHECK(bench.get(device_id) == 2);
    CHECK(bench.get(vendor_id) == 0x554d'4551);
    CHECK(bench.get(virtio_mmio::Register::status) == 0);
    CHECK(bench.get(queue_num_max) == 256);
    CHECK(bench.get(config_generation) == 0);
    for (const auto region : {shm_len_low, shm_len_high, shm_base_low, shm_base_high})
        CHECK(bench.get(region) == 0xffff'ffff);
    bench.set(queue_sel, 1);
    CHECK(bench.get(queue_num_max) == 0);  // there is no such queue
    CHECK(bench.get(queue_ready) == 0);
    bench.set(queue_ready, 1);
    CHECK(bench.get(queue_ready) == 0);
}

TEST_CASE("registers are words, and the configuration what its fields are", "[virtio_mmio]") {
    VirtioBench bench;
    for (const auto width : {AccessWidth::byte, AccessWidth::half, AccessWidth::dword}) {
        CHECK(bench.device.read(0, width).error() == BusError::width);
        CHECK(bench.device.write(0x70, width, 1).error() == BusError::width);
    }
    CHECK(bench.device.read(0x200, AccessWidth::word).error() == BusError::unmapped);
    CHECK(bench.device.write(0x200, AccessWidth::word, 0).error() == BusError::unmapped);
    CHECK(bench.device.read(0x100, AccessWidth::word) == 1024u);
    CHECK(bench.device.read(0x104, AccessWidth::word) == 0u);
    CHECK(bench.device.read(0x101, AccessWidth::byte) == 4u);
    CHECK(bench.device.read(0x100, AccessWidth::half) == 1024u);
    CHECK(bench.device.read(0x10c, AccessWidth::word) == 254u);
    CHECK(bench.device.read(0x1fc, AccessWidth::word) == 0u);
    CHECK(bench.device.read(0x100, AccessWidth::dword).error() == BusError::width);
    CHECK(bench.device.write(0x100, AccessWidth::word, 5));
    CHECK(bench.device.read(0x100, AccessWidth::word) == 1024u);
}

TEST_CASE("features are accepted until FEATURES_OK, and only those offered", "[virtio_mmio]") {
    VirtioBench bench;
    CHECK(bench.offered() == ((1ull << 2 | 1ull << 6 | 1ull << 9 | 1ull << 13 | 1ull << 14) |
                              (1ull << 28 | 1ull << 29 | 1ull << 32 | 1ull << 40)));
    bench.set(device_features_sel, 2);
    CHECK(bench.get(device_features) == 0);

    bench.negotiate(feature::version_1 | 1ull << 5);  // RO is not offered
    CHECK((bench.get(virtio_mmio::Register::status) & device_status::features_ok) == 0);
    bench.negotiate(feature::ring_event_idx);  // a legacy driver
    CHECK((bench.get(virtio_mmio::Register::status) & device_status::features_ok) == 0);
    bench.negotiate(feature::version_1);
    CHECK(bench.get(virtio_mmio::Register::status) ==
          (device_status::acknowledge | device_status::driver | device_status::features_ok));
    bench.accept(feature::version_1 | 1ull << 5);  // too late
    bench.set(virtio_mmio::Register::status, device_status::driver_ok);
    CHECK(bench.get(virtio_mmio::Register::status) == 15);
}

TEST_CASE("packed queues are offered where that is said, and then have sizes of their own",
          "[virtio_mmio]") {
    VirtioBench bench;
    bench.negotiate(feature::version_1 | feature::ring_packed);
    CHECK((bench.get(virtio_mmio::Register::status) & device_status::features_ok) == 0);
    bench.device.offer_packed_rings();
    CHECK((bench.offered() & feature::ring_packed) != 0);
    bench.negotiate(feature::version_1 | feature::ring_packed);
    CHECK((bench.get(virtio_mmio::Register::status) & device_status::features_ok) != 0);
    bench.set_up_queue(3);
    CHECK(bench.get(queue_ready) == 1);
}

TEST_CASE("a status bit is never cleared but by a reset", "[virtio_mmio]") {
    VirtioBench bench;
    bench.set(virtio_mmio::Register::status, device_status::driver_ok);  // without FEATURES_OK
    CHECK(bench.get(virtio_mmio::Register::status) == 0);
    bench.set(virtio_mmio::Register::status, device_status::acknowledge);
    bench.set(virtio_mmio::Register::status, device_status::driver | device_status::needs_reset);
    CHECK(bench.get(virtio_mmio::Register::status) ==
          (device_status::acknowledge | device_status::driver));
    bench.set(virtio_mmio::Register::status, device_status::failed);
    CHECK(bench.get(virtio_mmio::Register::status) == 131);
    bench.set(virtio_mmio::Register::status, 0);
    CHECK(bench.get(virtio_mmio::Register::status) == 0);
}

TEST_CASE("a queue is ready when all that is said of it can be", "[virtio_mmio]") {
    VirtioBench bench;
    bench.set_up_queue();
    CHECK(bench.get(queue_ready) == 0);  // before FEATURES_OK
    const auto refused = [&](auto spoil) {
        bench.negotiate();
        bench.set(queue_num, 8);
        bench.set(queue_desc_low, VirtioBench::descriptors);
        bench.set(queue_avail_low, VirtioBench::avail);
        bench.set(queue_used_low, VirtioBench::used);
        spoil();
        bench.set(queue_ready, 1);
        return bench.get(queue_ready) == 0 && bench.needs_reset() && !bench.wire.up;
    };
    CHECK_FALSE(refused([] {}));
    CHECK(refused([&] { bench.set(queue_num, 0); }));
    CHECK(refused([&] { bench.set(queue_num, 3); }));
    CHECK(refused([&] { bench.set(queue_num, 512); }));
    CHECK(refused([&] { bench.set(queue_desc_low, VirtioBench::descriptors + 8); }));
    CHECK(refused([&] { bench.set(queue_avail_low, VirtioBench::avail + 1); }));
    CHECK(refused([&] { bench.set(queue_used_low, VirtioBench::used + 2); }));
    CHECK(refused([&] { bench.set(queue_desc_low, 0x1000'0000); }));
    CHECK(refused([&] { bench.set(queue_avail_high, 1); }));
    CHECK(refused([&] { bench.set(queue_used_low, 0x800f'fffc); }));
    CHECK(bench.owner.log.size() == 9);
    CHECK(bench.owner.log.front() ==
          "stands still until its driver resets it: a queue's size is "
          "none that it may have");
}

TEST_CASE("a queue that is ready keeps its place", "[virtio_mmio]") {
    VirtioBench bench;
    bench.start();
    CHECK(bench.get(queue_ready) == 1);
    bench.set(queue_num, 4);
    bench.set(queue_desc_low, 0x8000'8000);
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
    bench.set(queue_ready, 0);
    CHECK(bench.get(queue_ready) == 0);
    bench.set(queue_ready, 1);  // the same again, from index 0
    CHECK(bench.get(queue_ready) == 1);
}

TEST_CASE("a queue is reset by itself, where that was negotiated", "[virtio_mmio]") {
    VirtioBench bench;
    bench.start();
    bench.set(queue_reset, 1);
    CHECK(bench.get(queue_ready) == 1);
    bench.start(VirtioBench::usual_features | feature::ring_reset);
    bench.set(queue_reset, 1);
    CHECK(bench.get(queue_reset) == 0);
    CHECK(bench.get(queue_ready) == 0);
    CHECK(bench.get(virtio_mmio::Register::status) == 15);
    bench.next_avail = 0;
    std::memset(bench.memory.at({VirtioBench::descriptors}), 0, 0x3000);
    bench.set_up_queue();
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
}

TEST_CASE("nothing is done before DRIVER_OK, or for a queue that there is not", "[virtio_mmio]") {
    VirtioBench bench;
    bench.negotiate();
    bench.set_up_queue();
    bench.prepare(4, 0, {});
    bench.notify();
    CHECK(bench.used_index() == 0);
    bench.set(virtio_mmio::Register::status, device_status::driver_ok);
    bench.set(queue_notify, 1);
    CHECK(bench.used_index() == 0);
    bench.notify();
    CHECK(bench.used_index() == 1);
}

TEST_CASE("the interrupt is up until it is acknowledged", "[virtio_mmio]") {
    VirtioBench bench;
    bench.start();
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
    CHECK(bench.wire.up);
    CHECK(bench.get(interrupt_status) == 1);
    bench.set(interrupt_ack, 2);
    CHECK(bench.wire.up);
    bench.set(interrupt_ack, 1);
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.get(interrupt_status) == 0);
}

TEST_CASE("a driver that breaks the rules is told, and the rest goes on", "[virtio_mmio]") {
    VirtioBench bench;
    bench.start();
    bench.offer(8);  // no descriptor
    bench.notify();
    CHECK(bench.needs_reset());
    CHECK(bench.get(interrupt_status) == 2);
    CHECK(bench.wire.up);
    bench.offer(0);
    bench.notify();  // nothing is done any more
    CHECK(bench.used_index() == 0);
    CHECK_FALSE(bench.device.work());
    bench.set(virtio_mmio::Register::status, 0);
    CHECK_FALSE(bench.wire.up);
    bench.start();
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
}

TEST_CASE("a reset is power-on", "[virtio_mmio]") {
    VirtioBench bench;
    bench.start();
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
    bench.device.reset();
    CHECK_FALSE(bench.wire.up);
    CHECK(bench.get(virtio_mmio::Register::status) == 0);
    CHECK(bench.get(queue_ready) == 0);
    CHECK(bench.get(interrupt_status) == 0);
    bench.set(virtio_mmio::Register::status, device_status::features_ok);  // nothing is accepted
    CHECK(bench.get(virtio_mmio::Register::status) == 0);
}

TEST_CASE("a page of the registers that is shown is in step", "[virtio_mmio]") {
    VirtioBench bench;
    CHECK(bench.device.shows_page(0));
    CHECK_FALSE(bench.device.shows_page(RegisterPage::bytes));
    const ShownRegisters shown(bench.device);
    CHECK(shown.are_in_step());
    for (const auto selector : {device_features_sel, queue_sel}) {
        for (const unsigned value : {1u, 2u, 0u}) {
            bench.set(selector, value);
            CHECK(shown.are_in_step());
        }
    }
    bench.negotiate();
    CHECK(shown.are_in_step());
    bench.set_up_queue();
    CHECK(shown.are_in_step());
    bench.set(virtio_mmio::Register::status, device_status::driver_ok);
    CHECK(bench.request(virtio_block::RequestType::flush, 0) == 0);
    CHECK(bench.get(interrupt_status) == virtio_mmio::interrupt::used_buffer);
    CHECK(shown.are_in_step());
    bench.set(interrupt_ack, virtio_mmio::interrupt::used_buffer);
    CHECK(bench.get(interrupt_status) == 0);
    CHECK(shown.are_in_step());
    bench.offer(VirtioBench::queue_size);  // there is no such descriptor
    bench.notify();
    CHECK(bench.needs_reset());
    CHECK(shown.are_in_step());
    bench.set(virtio_mmio::Register::status, 0);
    CHECK(shown.are_in_step());
    bench.start();
    bench.device.reset();
    CHECK(shown.are_in_step());
}
