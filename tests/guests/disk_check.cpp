// SPDX-License-Identifier: MIT
// Compares a virtio disk with the rules of VIRTIO 1.2, as far as a driver can see them: two disks
// of 1 MiB whose sectors hold their own numbers, the first (slot 7) to be written to, the second
// (slot 6) read-only. The same on QEMU's devices as a second opinion.
#include <algorithm>
#include <array>
#include <cstddef>

#include "kernel/arch/devices/plic_registers.hpp"
#include "tests/guests/disk_check/disk_driver.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

using enum virtio_mmio::Register;
using virtio_block::RequestType;
namespace device_status = virtio::status;
namespace feature = virtio::feature;

constexpr std::uint64_t sectors = 2048;
constexpr std::uint64_t plic_base = 0x0c00'0000;
constexpr unsigned disk_interrupt = 8;  // of slot 7
constexpr std::uint8_t ok = 0;
constexpr std::uint8_t ioerr = 1;
constexpr std::uint8_t unsupp = 2;

using Sector = std::array<std::uint32_t, virtio_block::sector_size / 4>;

DiskDriver disk(7);
DiskDriver other(6);
std::array<Sector, 1024> data;
unsigned checks = 0;
unsigned failures = 0;
bool is_second_opinion = false;  ///< the devices are QEMU's

/// How long one waits for what QEMU's devices are known not to do: then, not to the end.
std::uint64_t patience_with_differences() {
    return is_second_opinion ? ticks_per_second / 2 : patience;
}

void check(bool holds, std::string_view what) {
    ++checks;
    if (holds) return;
    ++failures;
    println("failed: {}", what);
}

DiskBuffer into(std::size_t first, std::size_t count = 1) {
    return {&data[first], static_cast<std::uint32_t>(count * sizeof(Sector)), true};
}
DiskBuffer from(std::size_t first, std::size_t count = 1) {
    return {&data[first], static_cast<std::uint32_t>(count * sizeof(Sector))};
}

std::uint8_t request(DiskDriver& of, RequestType type, std::uint64_t sector, DiskBuffer buffer,
                     std::uint64_t ticks = patience) {
    return of.request(type, sector, std::array{buffer}, ticks);
}

bool holds_only(const Sector& sector, std::uint32_t word) {
    return std::ranges::all_of(sector, [word](std::uint32_t each) { return each == word; });
}

/// Reads sector `number` of `of` where it holds its own number.
bool reads(DiskDriver& of, std::uint32_t number, std::uint64_t ticks = patience) {
    data[0].fill(~0u);
    return request(of, RequestType::in, number, into(0), ticks) == ok &&
           holds_only(data[0], number);
}

bool is_pending() {
    const auto at = plic_base + plic::pending(disk_interrupt);
    return (*reinterpret_cast<const volatile std::uint32_t*>(at) >> disk_interrupt & 1) != 0;
}

std::uint32_t queue_count() {
    const bool several = (disk.offered() & virtio_block::feature::mq) != 0;
    return several ? disk.config<std::uint16_t>(offsetof(virtio_block::Config, num_queues)) : 1;
}

void check_registers() {
    check(disk.get(magic_value) == virtio_mmio::magic, "the magic value is 'virt'");
    check(disk.get(version) == 2, "the version is 2");
    check(disk.get(device_id) == virtio::block_device_id, "the device is a disk");
    disk.set(status, 0);
    check(disk.get(status) == 0, "the status is 0 after a reset");
    check(disk.get(interrupt_status) == 0, "no event is there after a reset");
    disk.set(queue_sel, 0);
    check(disk.get(queue_ready) == 0, "no queue is ready after a reset");
    check(disk.get(queue_num_max) >= DiskDriver::size, "there is a queue");
    disk.set(queue_sel, queue_count());
    check(disk.get(queue_num_max) == 0, "there are no more queues than num_queues");
    check(disk.get(shm_len_low) == ~0u && disk.get(shm_len_high) == ~0u,
          "a shared memory region that there is not has length -1");
}

void check_configuration() {
    const auto generation = disk.get(config_generation);
    check(disk.config<std::uint32_t>(0) == sectors && disk.config<std::uint32_t>(4) == 0,
          "the capacity is 2048 sectors");
    check(disk.config<std::uint8_t>(1) == sectors >> 8, "a field can be read by bytes");
    check(disk.config<std::uint16_t>(0) == sectors, "a field can be read by halves");
    check(disk.config<std::uint32_t>(20) == 512, "the block size is 512");
    check(disk.get(config_generation) == generation, "the configuration does not change");
}

void check_features() {
    const std::uint64_t offered = disk.offered();
    check((offered & feature::version_1) != 0, "VERSION_1 is offered");
    check((offered & virtio_block::feature::flush) != 0, "FLUSH is offered");
    check((offered & virtio_block::feature::ro) == 0, "a disk to be written to is not RO");
    check((other.offered() & virtio_block::feature::ro) != 0, "a read-only disk is RO");
    disk.set(device_features_sel, 2);
    check(disk.get(device_features) == 0, "no feature is offered beyond bit 63");
    const auto accepts = [](std::uint64_t features) {
        return (disk.negotiate(features) & device_status::features_ok) != 0;
    };
    check(accepts(feature::version_1), "VERSION_1 alone will do");
    check(!accepts(feature::version_1 | std::uint64_t{1} << 60),
          "FEATURES_OK is not set for a feature that is not offered");
    check(!accepts(0), "FEATURES_OK is not set without VERSION_1");
}

void check_order() {
    disk.negotiate(feature::version_1);
    disk.set_up_queue();
    check(disk.get(queue_ready) == 1, "a queue is ready when it is said to be");
    disk.prepare(static_cast<std::uint32_t>(RequestType::in), 5, std::array{into(0)});
    disk.offer(0);
    disk.notify();
    wait_a_little();
    check(disk.used_index() == 0, "no buffer is used before DRIVER_OK");
    disk.set(status, 15);
    disk.notify();
    check(disk.wait_used() || disk.used_index() != 0, "a buffer is used after DRIVER_OK");
    disk.set(queue_ready, 0);
    check(disk.get(queue_ready) == 0, "a queue can be stopped");
    disk.set(status, 0);
    disk.set(queue_sel, 0);
    check(disk.get(queue_ready) == 0, "no queue is ready after a reset of a device at work");
}

void check_reading() {
    disk.start();
    check(reads(disk, 0) && reads(disk, 7) && reads(disk, sectors - 1), "sectors are read");
    check(disk.last_used().id == 0, "the used element names the chain");
    check(disk.last_used().length == 513, "the used length is that of data and status");
    check(request(disk, RequestType::in, 0, into(0, 1024)) == ok, "half a disk is read at once");
    bool right = true;
    for (std::uint32_t n = 0; n < 1024; ++n)
        right = right && holds_only(data[n], n);
    check(right, "and is what is on it");
    auto* const bytes = reinterpret_cast<std::byte*>(&data[0]);
    data[0].fill(~0u);
    data[1].fill(~0u);
    const std::array pieces{DiskBuffer{bytes, 1, true}, DiskBuffer{bytes + 1, 600, true},
                            DiskBuffer{bytes + 601, 423, true}};
    check(disk.request(RequestType::in, 40, pieces) == ok && holds_only(data[0], 40) &&
              holds_only(data[1], 41),
          "buffers may be cut anywhere");
    for (std::uint32_t n = 0; n < 100; ++n)
        right = right && reads(disk, n);
    check(right, "the ring's end is its beginning");
}

void check_writing() {
    disk.start();
    data[1].fill(0xabcd'0001);
    check(request(disk, RequestType::out, 9, from(1)) == ok, "a sector is written");
    check(disk.last_used().length == 1, "the used length of a write is that of the status");
    check(disk.request(RequestType::flush, 0) == ok, "a flush is carried out");
    data[2].fill(0);
    check(request(disk, RequestType::in, 9, into(2)) == ok && holds_only(data[2], 0xabcd'0001),
          "what was written is read");
    check(reads(disk, 8) && reads(disk, 10), "its neighbours are as before");
    disk.start();
    check(request(disk, RequestType::in, 9, into(2)) == ok && holds_only(data[2], 0xabcd'0001),
          "a reset of the device keeps what was written");
    for (std::size_t n = 0; n < data.size(); ++n)
        data[n].fill(static_cast<std::uint32_t>(n) | 0x5000'0000);
    check(request(disk, RequestType::out, 1024, from(0, 1024)) == ok, "half a disk is written");
    std::ranges::fill(data, Sector{});
    bool right = request(disk, RequestType::in, 1024, into(0, 1024)) == ok;
    for (std::uint32_t n = 0; n < 1024; ++n)
        right = right && holds_only(data[n], n | 0x5000'0000);
    check(right, "and is read back");
}

std::uint8_t zero(RequestType type, std::uint64_t sector, std::uint32_t count,
                  std::uint32_t flags = 0) {
    static virtio_block::BlockRange range;
    range = {sector, count, flags};
    return disk.request(type, 0, std::array{DiskBuffer{&range, sizeof range}});
}

void check_zeroing() {
    const std::uint64_t wanted =
        virtio_block::feature::discard | virtio_block::feature::write_zeroes;
    check((disk.offered() & wanted) == wanted, "DISCARD and WRITE_ZEROES are offered");
    disk.start(feature::version_1 | wanted);
    check(zero(RequestType::write_zeroes, 20, 3) == ok, "zeroes are written");
    check(request(disk, RequestType::in, 19, into(0, 5)) == ok && holds_only(data[0], 19) &&
              holds_only(data[1], 0) && holds_only(data[3], 0) && holds_only(data[4], 23),
          "they are read, and their neighbours are as before");
    check(zero(RequestType::write_zeroes, 24, 40, virtio_block::range_unmap) == ok,
          "zeroes are written with the unmap flag");
    check(request(disk, RequestType::in, 24, into(0, 40)) == ok && holds_only(data[0], 0) &&
              holds_only(data[39], 0) && reads(disk, 64),
          "they are read as well");
    check(zero(RequestType::discard, 64, 16) == ok, "sectors are discarded");
    check(reads(disk, 80), "others are not");
    check(zero(RequestType::discard, 64, 16, virtio_block::range_unmap) == unsupp,
          "the unmap flag is unsupported in a discard");
    check(zero(RequestType::write_zeroes, 64, 16, 2) == unsupp, "an unknown flag is unsupported");
    check(zero(RequestType::write_zeroes, sectors, 1) == ioerr, "no zeroes beyond the end");
}

void check_errors() {
    disk.start();
    check(request(disk, RequestType::in, sectors, into(0)) == ioerr, "no read beyond the end");
    check(request(disk, RequestType::in, sectors - 1, into(0, 2)) == ioerr,
          "no read across the end");
    check(request(disk, RequestType::in, ~std::uint64_t{0}, into(0)) == ioerr,
          "no read at the last sector that has a number");
    check(request(disk, RequestType::out, sectors, from(0)) == ioerr, "no write beyond the end");
    check(disk.request(RequestType::in, 0, std::array{DiskBuffer{&data, 100, true}}) == ioerr,
          "no part of a sector is read");
    check(disk.request(99, 0, {}) == unsupp, "an unknown request is unsupported");
    check(request(disk, RequestType::get_id, 0, {&data, virtio_block::id_size, true}) == ok,
          "the disk has an id");
    other.start();
    data[0].fill(1);
    check(request(other, RequestType::out, 3, from(0)) == ioerr, "a read-only disk is not written");
    check(reads(other, 3), "and is as it was");
}

void check_interrupts() {
    disk.start();
    check(reads(disk, 1), "a request before the interrupt");
    check(comes_true([] { return disk.get(interrupt_status) == 1; }), "a used buffer is an event");
    check(comes_true(is_pending), "an event is an interrupt");
    disk.set(interrupt_ack, 1);
    check(disk.get(interrupt_status) == 0, "an event is acknowledged");
    disk.set_avail_flags(virtio_ring::avail_no_interrupt);
    check(reads(disk, 2), "a request without an interrupt");
    wait_a_little();
    check(disk.get(interrupt_status) == 0, "no interrupt comes where none is wanted");

    disk.start(feature::version_1 | feature::ring_event_idx);
    disk.set_used_event(1);
    check(reads(disk, 1), "a request before the event");
    wait_a_little();
    check(disk.get(interrupt_status) == 0, "no interrupt comes before used_event");
    check(reads(disk, 2), "a request at the event");
    check(comes_true([] { return disk.get(interrupt_status) == 1; }), "one comes behind it");
}

/// The last of them beside the first.
void check_queues() {
    const std::uint32_t count = queue_count();
    static DiskDriver last(7, count - 1);
    if (count == 1) return;
    disk.start(feature::version_1 | virtio_block::feature::mq);
    last.set_up_queue();
    check(reads(last, 11), "the last queue has requests");
    check(reads(disk, 10) && disk.used_index() == 1, "and the first its own");
    check(last.used_index() == 1, "which the other does not have");
    last.set_avail_index(99);
    last.notify();
    check(disk.waits_for_reset(), "DEVICE_NEEDS_RESET follows a wrong ring of the last queue");
    disk.start();
    check(reads(disk, 3), "a reset mends it");
}

alignas(16) std::array<virtio_ring::Descriptor, 4> table;

virtio_ring::Descriptor table_of(std::uint32_t bytes) {
    return {reinterpret_cast<std::uint64_t>(&table), bytes, virtio_ring::desc_indirect, 0};
}

void check_indirect() {
    static virtio_block::BlockRequest header;
    static std::uint8_t answer;
    disk.start(feature::version_1 | feature::ring_indirect_desc);
    header = {.type = 0, .reserved = 0, .sector = 12};
    answer = unanswered;
    using std::uint64_t;
    table = {{{reinterpret_cast<uint64_t>(&header), 16, virtio_ring::desc_next, 1},
              {reinterpret_cast<uint64_t>(&data), 512,
               virtio_ring::desc_next | virtio_ring::desc_write, 2},
              {reinterpret_cast<uint64_t>(&answer), 1, virtio_ring::desc_write, 0},
              {}}};
    disk.describe(3, table_of(48));
    disk.offer(3);
    disk.notify();
    check(disk.wait_used() && static_cast<volatile std::uint8_t&>(answer) == ok &&
              holds_only(data[0], 12),
          "a table of descriptors is followed");
    check(disk.last_used().id == 3, "and the chain is known by its head");
}

/// The device is told what `offends` does; then it stands still, and nothing else does.
template <class Offence>
void check_offence(std::string_view what, Offence offends,
                   std::uint64_t features = feature::version_1, std::uint64_t ticks = patience) {
    disk.start(features);
    offends();
    disk.notify();
    const bool stopped = disk.waits_for_reset(ticks);
    FixedBuffer<128> sentence;
    print(sentence, "DEVICE_NEEDS_RESET follows {}", what);
    check(stopped, sentence.view());
    if (stopped)
        check((disk.get(interrupt_status) & virtio_mmio::interrupt::config_change) != 0,
              "and the driver is told");
    check(reads(other, 100), "the other disk goes on");
    disk.start();
    check(reads(disk, 3), "a reset mends it");
}

void check_offences() {
    using virtio_ring::desc_next;
    using virtio_ring::desc_write;
    const auto at = reinterpret_cast<std::uint64_t>(&data);
    other.start();
    check_offence("a head that is no descriptor", [] { disk.offer(DiskDriver::size); });
    check_offence("more available than the queue has", [] { disk.set_avail_index(9); });
    check_offence("a loop", [at] {
        disk.describe(0, {at, 16, desc_next, 1});
        disk.describe(1, {at, 16, desc_next, 0});
        disk.offer(0);
    });
    check_offence("a next that is no descriptor", [at] {
        disk.describe(0, {at, 16, desc_next, 8});
        disk.offer(0);
    });
    check_offence("a readable buffer behind a writable one", [at] {
        disk.describe(0, {at, 16, desc_next, 1});
        disk.describe(1, {at, 512, desc_next | desc_write, 2});
        disk.describe(2, {at, 16, 0, 0});
        disk.offer(0);
    });
    check_offence(
        "a buffer in no RAM",
        [at] {
            disk.describe(0, {at, 16, desc_next, 1});
            disk.describe(1, {0x2000'0000'0000, 512, desc_next | desc_write, 2});
            disk.describe(2, {at + 16, 1, desc_write, 0});
            disk.offer(0);
        },
        feature::version_1, patience_with_differences());
    check_offence("a request without a status", [at] {
        disk.describe(0, {at, 16, 0, 0});
        disk.offer(0);
    });
    check_offence("a request without a header", [at] {
        disk.describe(0, {at, 15, desc_next, 1});
        disk.describe(1, {at + 16, 1, desc_write, 0});
        disk.offer(0);
    });
    const auto with_tables = feature::version_1 | feature::ring_indirect_desc;
    check_offence(
        "a table of no whole descriptors",
        [] {
            disk.describe(0, table_of(24));
            disk.offer(0);
        },
        with_tables);
    check_offence(
        "a table in a table",
        [] {
            table[0] = table_of(16);
            disk.describe(0, table_of(16));
            disk.offer(0);
        },
        with_tables);
}

void check_queue_reset() {
    check((disk.offered() & feature::ring_reset) != 0, "RING_RESET is offered");
    disk.start(feature::version_1 | feature::ring_reset);
    check(reads(disk, 1), "a request before the queue's reset");
    disk.set(queue_reset, 1);
    check(comes_true([] { return disk.get(queue_reset) == 0; }) && disk.get(queue_ready) == 0,
          "a queue is reset by itself");
    disk.set_up_queue();
    check(reads(disk, 2, patience_with_differences()), "a request after it");
}

}  // namespace

void run(std::string_view arguments) {
    is_second_opinion = arguments == "qemu";
    println("disk_check: begins");
    check_registers();
    check_configuration();
    check_features();
    check_order();
    check_reading();
    check_writing();
    check_zeroing();
    check_errors();
    check_interrupts();
    check_queues();
    check_indirect();
    check_offences();
    check_queue_reset();
    println("disk_check: {} checks, {} failed", checks, failures);
    power_off(failures != 0);
}

}  // namespace cairn::guest
