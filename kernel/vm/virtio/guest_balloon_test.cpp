// SPDX-License-Identifier: MIT
// A balloon in a VM: from its driver's registers to the machine's page frames and back.
#include "kernel/vm/virtio/guest_balloon.hpp"

#include <array>
#include <cstring>
#include <vector>

#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/guest_bench.hpp"
#include "tests/unit/ram_arena.hpp"

using namespace cairn;
using namespace cairn::test;
using enum virtio_mmio::Register;

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t chunk = GuestRam::chunk_size;
constexpr std::uint32_t pages_of_chunk = chunk / 4096;
constexpr std::uint64_t ram = 0x8000'0000;
constexpr std::size_t slot = 7;

struct NoHarts final : TranslationFence {
    void forget(std::uint64_t, std::uint64_t) override {}
};

/// A VM of 8 MiB in a machine of 16, whose rings and requests lie in the first chunk.
struct Bench {
    Bench() {
        const HostRange all{arena.base(), 16 * mebi};
        REQUIRE(pool.init(*MemoryMap::create(std::array{all}, {})));
        auto table = Stage2Table::create(Stage2Mode::sv39x4, memory.frames());
        REQUIRE(table);
        guest_ram.emplace(
            pool, memory, std::move(*table),
            GuestRam::Settings{
                .base = {ram}, .size = 8 * mebi, .trust_unused = false, .harts = &harts});
        REQUIRE(guest_ram->take_frames() == GuestRam::Taken::all);
        balloon.emplace(*guest_ram, memory, tasks, 1'000'000);
        REQUIRE(balloon->take_memory());
        const std::array plugged{&balloon->port()};
        vm.emplace("bench", guest_ram->memory(), GuestConsole{screen, keyboard}, GuestFeatures{},
                   MachineIds{}, room_for(1), GuestOptions{.virtio = plugged});
        balloon->port().serve(*vm);
        start();
    }

    void set(virtio_mmio::Register which, std::uint64_t value) {
        const auto at = guest_map::virtio(slot).base + static_cast<std::uint64_t>(which);
        REQUIRE(vm->bus().write(at, AccessWidth::word, value));
    }
    std::uint64_t get(std::uint64_t offset) {
        return vm->bus().read(guest_map::virtio(slot).base + offset, AccessWidth::word).value();
    }
    template <class T>
    void store(std::uint64_t at, T value) {
        REQUIRE(vm->memory().store(GuestPhys{at}, value));
    }
    void start() {
        set(virtio_mmio::Register::status, 0);
        set(driver_features, 1);
        set(driver_features_sel, 1);
        set(driver_features, 1);
        set(virtio_mmio::Register::status, 11);
        for (std::uint64_t queue = 0; queue < 2; ++queue) {
            set(queue_sel, queue);
            set(queue_num, 4);
            set(queue_desc_low, rings(queue));
            set(queue_avail_low, rings(queue) + 0x1000);
            set(queue_used_low, rings(queue) + 0x2000);
            set(queue_ready, 1);
            store(rings(queue) + 0x1002, std::uint16_t{0});
            store(rings(queue) + 0x2002, std::uint16_t{0});
        }
        count = {};
        set(virtio_mmio::Register::status, 15);
    }
    static std::uint64_t rings(std::uint64_t queue) { return ram + queue * 0x3000; }
    /// Asks with the numbers of `n` pages from `first` on, and does a turn or two of the work.
    void ask(std::uint64_t queue, std::uint64_t first, std::uint32_t n) {
        for (std::uint32_t each = 0; each < n; ++each)
            store(ram + 0x10000 + each * 4, static_cast<std::uint32_t>((first >> 12) + each));
        store(rings(queue), virtio_ring::Descriptor{ram + 0x10000, n * 4, 0, 0});
        store(rings(queue) + 0x1004 + count[queue] % 4 * 2, std::uint16_t{0});
        store(rings(queue) + 0x1002, ++count[queue]);
        set(queue_notify, queue);
        work();
    }
    void work() {
        for (int n = 0; n < 8; ++n)
            (void)tasks.do_some();
    }
    [[nodiscard]] bool is_done(std::uint64_t queue) {
        return vm->memory().load<std::uint16_t>(GuestPhys{rings(queue) + 0x2002}) == count[queue];
    }

    FreshFakes fakes;
    RamArena arena{16 * mebi};
    FramePool pool;
    NoHarts harts;
    VmMemory memory{kernel_heap(), pool, "bench", mebi};
    DeviceTasks tasks;
    Transcript screen;
    Keyboard keyboard;
    std::optional<GuestRam> guest_ram;
    std::optional<Vm> vm;
    std::optional<GuestBalloon> balloon;
    std::array<std::uint16_t, 2> count{};
};

}  // namespace

TEST_CASE("a chunk whose pages are all in the balloon is the machine's", "[guest_balloon]") {
    Bench bench;
    const std::uint64_t at = ram + chunk;
    bench.store(at, 7);
    const std::uint64_t free = bench.pool.free_bytes();
    bench.ask(0, at, pages_of_chunk - 1);
    bench.ask(0, at, 3);  // once more
    CHECK(bench.balloon->figures().inside == chunk - 4096);
    CHECK(bench.balloon->figures().given_back == 0);
    CHECK(bench.pool.free_bytes() == free);
    bench.ask(0, at + chunk - 4096, 1);
    CHECK(bench.balloon->figures().given_back == chunk);
    CHECK(bench.pool.free_bytes() == free + chunk);
    bench.ask(1, at + 4096, 1);  // one page is taken out
    CHECK(bench.is_done(1));
    CHECK(bench.balloon->figures().given_back == 0);
    CHECK(bench.balloon->figures().inside == chunk - 4096);
    CHECK(bench.pool.free_bytes() == free);
    CHECK(bench.vm->memory().load<int>(GuestPhys{at}) == 0);
    bench.ask(0, at + 4096, 1);
    CHECK(bench.balloon->figures().given_back == chunk);
}

TEST_CASE("a guest that wants back what others have waits", "[guest_balloon]") {
    Bench bench;
    const std::uint64_t at = ram + chunk;
    bench.ask(0, at, pages_of_chunk);
    std::vector<HostRange> others;
    while (const auto frames = bench.pool.take_guest_ram(chunk, {ram}))
        others.push_back(*frames);
    bench.ask(1, at, 1);
    CHECK_FALSE(bench.is_done(1));
    CHECK(bench.balloon->figures().is_waiting);
    bench.work();  // who asks for figures has the device do a turn
    bench.pool.free_frames(others.back().base, chunk / frame_size);
    bench.work();
    CHECK_FALSE(bench.is_done(1));  // it is not time yet
    fake_csrs[static_cast<std::size_t>(Csr::time)] += 10'000;
    bench.work();
    CHECK(bench.is_done(1));
    CHECK_FALSE(bench.balloon->figures().is_waiting);
    others.pop_back();
    for (const HostRange& each : others)
        bench.pool.free_frames(each.base, chunk / frame_size);
}

TEST_CASE("what is asked of a guest is told by a changed configuration", "[guest_balloon]") {
    Bench bench;
    CHECK(bench.balloon->figures().target == 8 * mebi);
    bench.balloon->want(5 * mebi);
    CHECK(bench.get(0x100) == 3 * mebi / 4096);
    CHECK((bench.get(0x60) & virtio_mmio::interrupt::config_change) != 0);
    CHECK(bench.balloon->figures().target == 5 * mebi);
    bench.balloon->want(100 * mebi);
    CHECK(bench.get(0x100) == 0);
}

TEST_CASE("who asks a guest for memory does not wait for its devices", "[guest_balloon]") {
    Bench bench;
    bench.tasks.set_rate(1'000'000);
    bench.ask(0, ram + chunk, 3);
    CHECK(bench.balloon->figures().inside == 3 * 4096);
    bench.work();
    bench.vm->device_lock().lock();  // as a vCPU in a long access
    bench.balloon->want(5 * mebi);
    CHECK(bench.balloon->figures().inside == 3 * 4096);
    CHECK(bench.balloon->figures().target == 5 * mebi);
    fake_csrs[static_cast<std::size_t>(Csr::time)] += 100;
    bench.work();
    bench.vm->device_lock().unlock();
    CHECK(bench.get(0x100) == 0);
    fake_csrs[static_cast<std::size_t>(Csr::time)] += 100;
    bench.work();
    CHECK(bench.get(0x100) == 3 * mebi / 4096);
    CHECK((bench.get(0x60) & virtio_mmio::interrupt::config_change) != 0);
    CHECK(bench.tasks.is_empty());
}

TEST_CASE("a guest that gives its own rings hurts itself alone", "[guest_balloon]") {
    Bench bench;
    const std::uint64_t free = bench.pool.free_bytes();
    bench.ask(0, ram, pages_of_chunk);  // where its rings and this request lie
    bench.work();
    CHECK(bench.balloon->figures().inside != 0);
    CHECK(bench.pool.free_bytes() >= free);
    bench.ask(0, 0, 100);               // no RAM
    bench.ask(0, ram + 8 * mebi, 100);  // behind it
    bench.start();
    CHECK(bench.balloon->figures().inside == 0);
    bench.ask(0, ram + chunk, pages_of_chunk);
    CHECK(bench.balloon->figures().given_back == chunk);
}

TEST_CASE("a driver that begins anew finds its memory by touching it", "[guest_balloon]") {
    Bench bench;
    bench.ask(0, ram + chunk, pages_of_chunk);
    bench.start();
    CHECK(bench.balloon->figures().inside == 0);
    CHECK(bench.balloon->figures().given_back == chunk);
    bench.store(ram + chunk + 8, 5);
    CHECK(bench.balloon->figures().given_back == 0);
    bench.ask(1, ram + chunk, pages_of_chunk);
    CHECK(bench.is_done(1));
    CHECK(bench.vm->memory().load<int>(GuestPhys{ram + chunk + 8}) == 5);
}
