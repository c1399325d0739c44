// SPDX-License-Identifier: MIT
#include "tests/guests/virtio_check/checked_device.hpp"

#include <array>

#include <cairn/print.hpp>
#include "kernel/arch/devices/plic_registers.hpp"

namespace cairn::guest {
namespace {

using enum virtio_mmio::Register;
namespace device_status = virtio::status;
namespace feature = virtio::feature;

constexpr std::uint64_t plic_base = 0x0c00'0000;
constexpr std::size_t most_queues = 4;

std::array<DriverRing, most_queues> rings;
alignas(16) std::array<virtio_ring::Descriptor, 2> table;

std::uint64_t address_of(const void* object) {
    return reinterpret_cast<std::uint64_t>(object);
}

/// Of the queue that is checked.
DriverRing& ring_of(const Subject& of) {
    return rings[of.queue];
}

void restart(const Subject& of, std::uint64_t features = feature::version_1) {
    start(of.driver, std::span(rings).first(of.queues), features);
}

bool works(const Subject& of, std::uint64_t ticks = patience) {
    return is_used(of.driver, of.queue, ring_of(of), std::span(&of.buffer, 1), ticks);
}

std::uint16_t flags_of(const DriverBuffer& buffer) {
    return buffer.writable ? virtio_ring::desc_write : std::uint16_t{0};
}

virtio_ring::Descriptor table_of(std::uint32_t bytes) {
    return {address_of(&table), bytes, virtio_ring::desc_indirect, 0};
}

}  // namespace

void Checks::check(bool holds, std::string_view what) {
    ++count_;
    if (holds) return;
    ++failures_;
    println("failed: {}: {}", name_, what);
}

void start(const VirtioDriver& driver, std::span<DriverRing> its, std::uint64_t features) {
    const std::uint32_t now = driver.negotiate(features);
    for (std::uint32_t queue = 0; queue < its.size(); ++queue)
        driver.set_up(queue, its[queue]);
    driver.set(status, now | device_status::driver_ok);
}

bool is_used(const VirtioDriver& driver, std::uint32_t queue, DriverRing& ring,
             std::span<const DriverBuffer> buffers, std::uint64_t ticks) {
    ring.chain(0, buffers);
    ring.offer(0);
    driver.notify(queue);
    return ring.wait_used(ticks);
}

void check_registers(const Subject& of) {
    const VirtioDriver& driver = of.driver;
    const auto check = [&of](bool holds, std::string_view what) { of.checks.check(holds, what); };
    check(driver.get(magic_value) == virtio_mmio::magic, "the magic value is 'virt'");
    check(driver.get(version) == 2, "the version is 2");
    check(driver.get(device_id) == of.device_id, "the device is what it is");
    driver.set(status, 0);
    check(driver.get(status) == 0, "the status is 0 after a reset");
    check(driver.get(interrupt_status) == 0, "no event is there after a reset");
    bool are_there = true;
    for (std::uint32_t queue = 0; queue < of.queues; ++queue) {
        driver.set(queue_sel, queue);
        are_there = are_there && driver.get(queue_num_max) >= DriverRing::size &&
                    driver.get(queue_ready) == 0;
    }
    check(are_there, "all queues are there, and not ready after a reset");
    driver.set(queue_sel, 1000);
    check(driver.get(queue_num_max) == 0, "a queue that there is not has no size");
    check(driver.get(shm_len_low) == ~0u && driver.get(shm_len_high) == ~0u,
          "a shared memory region that there is not has length -1");
}

void check_negotiation(const Subject& of) {
    const VirtioDriver& driver = of.driver;
    const auto check = [&of](bool holds, std::string_view what) { of.checks.check(holds, what); };
    check((driver.offered() & feature::version_1) != 0, "VERSION_1 is offered");
    driver.set(device_features_sel, 2);
    check(driver.get(device_features) == 0, "no feature is offered beyond bit 63");
    const auto accepts = [&driver](std::uint64_t features) {
        return (driver.negotiate(features) & device_status::features_ok) != 0;
    };
    check(accepts(feature::version_1), "VERSION_1 alone will do");
    check(!accepts(feature::version_1 | std::uint64_t{1} << 60),
          "FEATURES_OK is not set for a feature that is not offered");
    check(!accepts(0), "FEATURES_OK is not set without VERSION_1");
}

void check_order(const Subject& of) {
    const VirtioDriver& driver = of.driver;
    const auto check = [&of](bool holds, std::string_view what) { of.checks.check(holds, what); };
    DriverRing& ring = ring_of(of);
    driver.negotiate(feature::version_1);
    for (std::uint32_t queue = 0; queue < of.queues; ++queue)
        driver.set_up(queue, rings[queue]);
    driver.set(queue_sel, of.queue);
    check(driver.get(queue_ready) == 1, "a queue is ready when it is said to be");
    ring.chain(0, std::span(&of.buffer, 1));
    ring.offer(0);
    driver.notify(of.queue);
    wait_a_little();
    check(ring.used_index() == 0, "no buffer is used before DRIVER_OK");
    driver.set(status, 15);
    driver.notify(of.queue);
    check(comes_true([&ring] { return ring.used_index() == 1; }),
          "a buffer is used after DRIVER_OK");
    driver.set(queue_ready, 0);
    check(driver.get(queue_ready) == 0, "a queue can be stopped");
    restart(of);
    bool all = true;
    for (int n = 0; n < 100; ++n)
        all = all && works(of);
    check(all, "the ring's end is its beginning");
    check(ring.last_used().id == 0, "the used element names the chain");
}

void check_interrupts(const Subject& of) {
    const VirtioDriver& driver = of.driver;
    const auto check = [&of](bool holds, std::string_view what) { of.checks.check(holds, what); };
    const auto has_event = [&driver] { return driver.get(interrupt_status) == 1; };
    const auto is_pending = [&of] {
        const unsigned source = of.slot + 1;
        const auto at = plic_base + plic::pending(source);
        return (*reinterpret_cast<const volatile std::uint32_t*>(at) >> source & 1) != 0;
    };
    DriverRing& ring = ring_of(of);
    restart(of);
    check(works(of), "a buffer before the interrupt");
    check(comes_true(has_event), "a used buffer is an event");
    check(comes_true(is_pending), "an event is an interrupt");
    driver.set(interrupt_ack, 1);
    check(driver.get(interrupt_status) == 0, "an event is acknowledged");
    ring.set_avail_flags(virtio_ring::avail_no_interrupt);
    check(works(of), "a buffer without an interrupt");
    wait_a_little();
    check(driver.get(interrupt_status) == 0, "no interrupt comes where none is wanted");

    restart(of, feature::version_1 | feature::ring_event_idx);
    ring.set_used_event(1);
    check(works(of), "a buffer before the event");
    wait_a_little();
    check(driver.get(interrupt_status) == 0, "no interrupt comes before used_event");
    check(works(of), "a buffer at the event");
    check(comes_true(has_event), "one comes behind it");
    driver.set(status, 0);
    check(driver.get(interrupt_status) == 0, "a reset takes the event back");
}

void check_indirect(const Subject& of) {
    restart(of, feature::version_1 | feature::ring_indirect_desc);
    table = {{{address_of(of.buffer.at), of.buffer.size, flags_of(of.buffer), 0}, {}}};
    DriverRing& ring = ring_of(of);
    ring.describe(3, table_of(16));
    ring.offer(3);
    of.driver.notify(of.queue);
    of.checks.check(ring.wait_used(), "a table of descriptors is followed");
    of.checks.check(ring.last_used().id == 3, "and the chain is known by its head");
}

namespace {

/// The device is told what `offends` does; then it stands still until it is reset.
template <class Offence>
void check_offence(const Subject& of, std::string_view what, Offence offends,
                   std::uint64_t features = feature::version_1, std::uint64_t ticks = patience) {
    restart(of, features);
    offends(ring_of(of));
    of.driver.notify(of.queue);
    const bool stopped = of.driver.waits_for_reset(ticks);
    FixedBuffer<128> sentence;
    print(sentence, "DEVICE_NEEDS_RESET follows {}", what);
    of.checks.check(stopped, sentence.view());
    if (stopped)
        of.checks.check(
            (of.driver.get(interrupt_status) & virtio_mmio::interrupt::config_change) != 0,
            "and the driver is told");
    restart(of);
    of.checks.check(works(of), "a reset mends it");
}

}  // namespace

void check_offences(const Subject& of) {
    using virtio_ring::desc_next;
    using virtio_ring::desc_write;
    const auto at = address_of(of.buffer.at);
    const std::uint16_t flags = flags_of(of.buffer);
    const auto linked = static_cast<std::uint16_t>(flags | desc_next);
    using Ring = DriverRing;
    check_offence(of, "a head that is no descriptor", [](Ring& ring) { ring.offer(Ring::size); });
    check_offence(of, "more available than the queue has",
                  [](Ring& ring) { ring.set_avail_index(9); });
    check_offence(of, "a loop", [=](Ring& ring) {
        ring.describe(0, {at, 1, linked, 1});
        ring.describe(1, {at, 1, linked, 0});
        ring.offer(0);
    });
    check_offence(of, "a next that is no descriptor", [=](Ring& ring) {
        ring.describe(0, {at, 1, linked, 8});
        ring.offer(0);
    });
    check_offence(of, "a readable buffer behind a writable one", [=](Ring& ring) {
        ring.describe(0, {at, 1, desc_write | desc_next, 1});
        ring.describe(1, {at, 1, 0, 0});
        ring.offer(0);
    });
    check_offence(
        of, "a buffer in no RAM",
        [=](Ring& ring) {
            ring.describe(0, {0x2000'0000'0000, 16, flags, 0});
            ring.offer(0);
        },
        feature::version_1, of.checks.patience_with_differences());
    const auto with_tables = feature::version_1 | feature::ring_indirect_desc;
    check_offence(
        of, "a table of no whole descriptors",
        [](Ring& ring) {
            ring.describe(0, table_of(24));
            ring.offer(0);
        },
        with_tables);
    check_offence(
        of, "a table in a table",
        [](Ring& ring) {
            table[0] = table_of(16);
            ring.describe(0, table_of(16));
            ring.offer(0);
        },
        with_tables, of.checks.patience_with_differences());
}

void check_queue_reset(const Subject& of) {
    of.checks.check((of.driver.offered() & feature::ring_reset) != 0, "RING_RESET is offered");
    restart(of, feature::version_1 | feature::ring_reset);
    of.checks.check(works(of), "a buffer before the queue's reset");
    of.driver.set(queue_sel, of.queue);
    of.driver.set(queue_reset, 1);
    of.checks.check(comes_true([&of] { return of.driver.get(queue_reset) == 0; }) &&
                        of.driver.get(queue_ready) == 0,
                    "a queue is reset by itself");
    of.driver.set_up(of.queue, ring_of(of));
    of.checks.check(works(of, of.checks.patience_with_differences()), "a buffer after it");
}

}  // namespace cairn::guest
