// SPDX-License-Identifier: MIT
// A disk in a VM: from its driver's registers to the image, the interrupt and the work between
// guests.
#include "kernel/vm/virtio/guest_disk.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/frame_arena.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using enum virtio_mmio::Register;

namespace {

constexpr std::uint64_t ram_size = 1 << 20;
constexpr std::uint64_t ram = 0x8000'0000;
constexpr std::uint64_t data_at = ram + 0x1'0000;

/// A VM of one CPU with two disks.
struct Bench {
    Bench() {
        for (std::size_t n = 0; n < image.size(); ++n)
            image[n] = static_cast<std::byte>(n / 512);
        REQUIRE(disks.try_reserve(2));
        for (const bool has_overlay : {false, true}) {
            const GuestDisk::Settings settings{
                .name = "images/root.img", .image = image, .has_overlay = has_overlay};
            REQUIRE(disks.emplace_back(settings, guest_ram, memory, tasks).take_memory());
        }
        const std::array plugged{&disks[0].port(), &disks[1].port()};
        vm.emplace("bench", guest_ram, GuestConsole{screen, keyboard}, GuestFeatures{},
                   MachineIds{}, room_for(1), GuestOptions{.virtio = plugged});
        for (GuestDisk& disk : disks)
            disk.port().serve(*vm);
    }

    std::uint64_t get(std::size_t slot, virtio_mmio::Register which) {
        return vm->bus()
            .read(guest_map::virtio(slot).base + static_cast<std::uint64_t>(which),
                  AccessWidth::word)
            .value();
    }
    void set(std::size_t slot, virtio_mmio::Register which, std::uint64_t value) {
        const auto at = guest_map::virtio(slot).base + static_cast<std::uint64_t>(which);
        REQUIRE(vm->bus().write(at, AccessWidth::word, value));
    }
    template <class T>
    void store(std::uint64_t at, T value) {
        REQUIRE(vm->memory().store(GuestPhys{at}, value));
    }

    /// Starts the disk in `slot`, and asks it for one request of `size` bytes.
    void request(std::size_t slot, virtio_block::RequestType type, std::uint32_t size) {
        const bool in = type == virtio_block::RequestType::in;
        set(slot, virtio_mmio::Register::status, 0);
        set(slot, driver_features_sel, 1);
        set(slot, driver_features, 1);
        set(slot, virtio_mmio::Register::status, 11);
        set(slot, queue_num, 4);
        set(slot, queue_desc_low, ram);
        set(slot, queue_avail_low, ram + 0x1000);
        set(slot, queue_used_low, ram + 0x2000);
        set(slot, queue_ready, 1);
        set(slot, virtio_mmio::Register::status, 15);
        using virtio_ring::Descriptor;
        store(ram, Descriptor{ram + 0x3000, 16, virtio_ring::desc_next, 1});
        const auto flags = in ? virtio_ring::desc_next | virtio_ring::desc_write
                              : unsigned{virtio_ring::desc_next};
        store(ram + 16, Descriptor{data_at, size, static_cast<std::uint16_t>(flags), 2});
        store(ram + 32, Descriptor{ram + 0x3100, 1, virtio_ring::desc_write, 0});
        store(ram + 0x3000, virtio_block::BlockRequest{static_cast<std::uint32_t>(type), 0, 0});
        store(ram + 0x3100, std::uint8_t{0xff});
        store(ram + 0x1004, std::uint16_t{0});
        store(ram + 0x1002, std::uint16_t{1});
        store(ram + 0x2002, std::uint16_t{0});
        set(slot, queue_notify, 0);
    }
    std::uint8_t status() {
        return vm->memory().load<std::uint8_t>(GuestPhys{ram + 0x3100}).value();
    }
    bool is_pending(std::size_t slot) {
        const std::uint32_t id = guest_map::virtio_irq(slot);
        const auto bits =
            vm->bus().read(guest_map::plic.base + plic::pending(id), AccessWidth::word);
        return (bits.value() >> id & 1) != 0;
    }

    FreshFakes fakes;
    std::vector<std::byte> image = std::vector<std::byte>(512 << 10);
    std::vector<std::byte> bytes = std::vector<std::byte>(ram_size);
    GuestMemory guest_ram{GuestPhys{ram}, bytes};
    FrameArena arena;
    VmMemory memory{kernel_heap(), arena, "bench", std::size_t{1} << 20};
    DeviceTasks tasks;
    Transcript screen;
    Keyboard keyboard;
    std::optional<Vm> vm;
    vector<GuestDisk, VmAllocator<GuestDisk>> disks{VmAllocator<GuestDisk>(memory.heap())};
};

}  // namespace

TEST_CASE("disks are where QEMU puts them, and the other slots are empty", "[guest_disk]") {
    Bench bench;
    for (std::size_t slot = 0; slot < guest_map::virtio_slots; ++slot) {
        const bool has_disk = slot >= 6;
        CHECK(bench.get(slot, device_id) == (has_disk ? 2u : 0u));
        CHECK(bench.get(slot, version) == (has_disk ? 2u : 1u));
    }
    bench.set(7, device_features_sel, 0);
    bench.set(6, device_features_sel, 0);
    CHECK((bench.get(7, device_features) & virtio_block::feature::ro) != 0);
    CHECK((bench.get(6, device_features) & virtio_block::feature::ro) == 0);
    CHECK(bench.vm->device_lock().is_shared());
}

TEST_CASE("a short request is done within its notification", "[guest_disk]") {
    Bench bench;
    bench.request(7, virtio_block::RequestType::in, 1024);
    CHECK(bench.status() == 0);
    CHECK(std::equal(bench.image.begin(), bench.image.begin() + 1024,
                     bench.bytes.begin() + (data_at - ram)));
    CHECK(bench.is_pending(7));
    CHECK(bench.tasks.is_empty());
}

TEST_CASE("a long one is work between guests", "[guest_disk]") {
    Bench bench;
    loaded_vcpu = &bench.vm->vcpu();
    (void)bench.vm->vcpu().enter_next();
    bench.request(7, virtio_block::RequestType::in, 256 << 10);
    CHECK(bench.status() == 0xff);
    CHECK(bench.vm->vcpu().leaves_guest());
    int turns = 0;
    while (bench.tasks.do_some())
        ++turns;
    CHECK(turns == 4);
    CHECK(bench.status() == 0);
    CHECK(bench.is_pending(7));
    loaded_vcpu = nullptr;
}

TEST_CASE("a reset of the VM drops what a disk has begun", "[guest_disk]") {
    Bench bench;
    bench.request(7, virtio_block::RequestType::in, 256 << 10);
    bench.vm->reset_devices();
    while (bench.tasks.do_some()) {
    }
    CHECK(bench.status() == 0xff);
    CHECK_FALSE(bench.is_pending(7));
}

TEST_CASE("what is written is the VM's, and outlives its reset", "[guest_disk]") {
    Bench bench;
    std::fill_n(bench.bytes.begin() + (data_at - ram), 512, std::byte{0x77});
    bench.request(7, virtio_block::RequestType::out, 512);
    CHECK(bench.status() == 1);  // read-only
    bench.request(6, virtio_block::RequestType::out, 512);
    CHECK(bench.status() == 0);
    bench.vm->reset_devices();
    bench.request(6, virtio_block::RequestType::in, 1024);
    CHECK(bench.status() == 0);
    CHECK(bench.bytes[data_at - ram] == std::byte{0x77});
    CHECK(bench.bytes[data_at - ram + 512] == std::byte{1});
    CHECK(bench.image[0] == std::byte{0});
}

TEST_CASE("no memory for what is written is an error", "[guest_disk]") {
    Bench bench;
    bench.arena.set_limit(1);
    bench.request(6, virtio_block::RequestType::out, 512);
    CHECK(bench.status() == 1);
    CHECK(bench.get(6, virtio_mmio::Register::status) == 15);  // the device goes on
}
