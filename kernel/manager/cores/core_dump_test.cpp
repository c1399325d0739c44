// SPDX-License-Identifier: MIT
#include "kernel/manager/cores/core_dump.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <memory>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/guest_bench.hpp"
#include "tests/unit/host_virtio_bench.hpp"
#include "tests/unit/ram_arena.hpp"
#include "tests/unit/virtio_bench.hpp"
#include "tests/unit/vm_heap.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr GuestPhys base{test::GuestBench::ram_base};

/// A VM of 8 MiB, and a disk.
struct Bench {
    explicit Bench(std::size_t disk_bytes, bool read_only = false)
        : store(disk_bytes / 512, read_only), memory(test::kernel_heap(), pool, "bench", mebi) {
        REQUIRE(pool.init(*MemoryMap::create(std::array{HostRange{arena.base(), 64 * mebi}}, {})));
        auto table = Stage2Table::create(Stage2Mode::sv39x4, memory.frames());
        ram = std::make_unique<GuestRam>(
            pool, memory, std::move(*table),
            GuestRam::Settings{.base = base, .size = 8 * mebi, .trust_unused = false});
        REQUIRE(ram->take_frames() == GuestRam::Taken::all);
        vm = std::make_unique<Vm>("bench", ram->memory(), GuestConsole{console, keyboard},
                                  GuestFeatures{}, MachineIds{}, test::room_for(1));
        vm->vcpu().context.pc = 0x8020'0000;
        REQUIRE(disk->start(device, HostSource::virtio).has_value());
    }
    CoreDump::Settings settings() {
        return {.disk = {},
                .range = {0, disk->sectors()},
                .signal = 6,
                .vector_register_bytes = 0,
                .wanted = &wanted};
    }
    void store_in_guest(std::uint64_t offset, std::uint64_t value) {
        REQUIRE(vm->memory().store(base + offset, value));
    }
    /// Until it is through; the disk works whenever it waits for that.
    CoreResult write(CoreDump& dump) {
        for (int steps = 0; steps < 10000; ++steps) {
            const auto step = dump.go_on();
            if (step == CoreDump::Step::done) return dump.result();
            if (step == CoreDump::Step::waits) {
                wanted = false;
                device.work();
                disk->interrupted();
                CHECK(wanted);
            }
        }
        FAIL("it goes on for ever");
        return {};
    }

    test::FreshFakes fakes;
    test::BenchStore store;
    VirtioBlock block{store};
    test::HostDevice device{block};
    test::LowPointer<HostDisk> disk;
    RamArena arena{64 * mebi};
    FramePool pool;
    VmMemory memory;
    test::Transcript console;
    test::Keyboard keyboard;
    std::unique_ptr<GuestRam> ram;
    std::unique_ptr<Vm> vm;
    std::atomic<bool> wanted = false;
};

TEST_CASE("a core has what the guest has touched", "[core_dump]") {
    Bench bench(4 * mebi);
    bench.store_in_guest(0x20'3008, 0x1122'3344);  // in the second chunk
    bench.store_in_guest(0x20'6000, 7);
    CoreDump dump(bench.settings(), *bench.disk, *bench.vm, *bench.ram);
    REQUIRE(dump.begin());
    const CoreResult result = bench.write(dump);
    CHECK_FALSE(result.fault);
    CHECK(result.segments == 3);
    CHECK_FALSE(result.has_vmcoreinfo);
    const auto& disk = bench.store.bytes;
    Elf64_Ehdr header;
    std::memcpy(&header, disk.data(), sizeof(header));
    REQUIRE(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0);
    REQUIRE(header.e_phnum == 4);
    std::vector<Elf64_Phdr> rows(header.e_phnum);
    std::memcpy(rows.data(), disk.data() + header.e_phoff, rows.size() * sizeof(rows[0]));
    CHECK(rows[1].p_filesz == 0);
    CHECK(rows[1].p_memsz == 0x20'3000);
    CHECK(rows[2].p_paddr == 0x8020'3000);
    CHECK(rows[2].p_filesz == 4096);
    CHECK(rows[3].p_paddr + rows[3].p_memsz == 0x8080'0000);
    std::uint64_t value = 0;
    std::memcpy(&value, disk.data() + rows[2].p_offset + 8, 8);
    CHECK(value == 0x1122'3344);
    std::memcpy(&value, disk.data() + rows[0].p_offset + 20 + 112, 8);
    CHECK(value == 0x8020'0000);
    CHECK(bench.ram->present_bytes() == 2 * mebi);  // it is given nothing by that
}

TEST_CASE("Linux's note about itself goes with it", "[core_dump]") {
    Bench bench(4 * mebi);
    const std::array<std::uint32_t, 3> head{11, 15, 0};
    REQUIRE(bench.vm->memory().copy_in(base + 0x1000, std::as_bytes(std::span(head))));
    const std::string_view text("VMCOREINFO\0\0OSRELEASE=6.12\n", 27);
    REQUIRE(bench.vm->memory().copy_in(base + 0x100c, std::as_bytes(std::span(text))));
    CoreDump dump(bench.settings(), *bench.disk, *bench.vm, *bench.ram);
    REQUIRE(dump.begin());
    CHECK(bench.write(dump).has_vmcoreinfo);
}

TEST_CASE("a disk that cannot hold it is left as it is", "[core_dump]") {
    Bench small(mebi);
    small.store_in_guest(0, 1);
    CoreDump dump(small.settings(), *small.disk, *small.vm, *small.ram);
    CHECK(dump.begin() == std::unexpected(CoreFault::too_small));
    Bench fixed(4 * mebi, true);
    CoreDump other(fixed.settings(), *fixed.disk, *fixed.vm, *fixed.ram);
    CHECK(other.begin() == std::unexpected(CoreFault::read_only));
}

TEST_CASE("one owner has a disk, and gives it back", "[core_dump]") {
    Bench bench(4 * mebi);
    CoreDump second(bench.settings(), *bench.disk, *bench.vm, *bench.ram);
    {
        CoreDump first(bench.settings(), *bench.disk, *bench.vm, *bench.ram);
        REQUIRE(first.begin());
        CHECK(second.begin() == std::unexpected(CoreFault::disk_taken));
    }
    CHECK(second.begin());
}

TEST_CASE("an error of the disk, or who gives it up, ends it without a header", "[core_dump]") {
    for (const bool error : {false, true}) {
        CAPTURE(error);
        Bench bench(4 * mebi);
        bench.store_in_guest(0, 1);
        CoreDump dump(bench.settings(), *bench.disk, *bench.vm, *bench.ram);
        REQUIRE(dump.begin());
        REQUIRE(dump.go_on() == CoreDump::Step::more);
        if (error) {
            bench.store.full = true;
        } else {
            dump.abandon();
        }
        CHECK(bench.write(dump).fault == (error ? CoreFault::disk_error : CoreFault::abandoned));
        CHECK(std::memcmp(bench.store.bytes.data(), ELFMAG, SELFMAG) != 0);
    }
}

/// Another user of the disk, that asks for as much as it may.
class Filler final : public HostDiskUser {
  public:
    Filler(HostDisk& disk, DiskRange range) : disk_(disk) { REQUIRE(disk.claim(*this, range)); }
    ~Filler() { disk_.release(*this); }
    /// How many requests there was room for.
    int fill() {
        int count = 0;
        const std::array buffers{std::span<std::byte>(sector_)};
        while (disk_.submit(*this, {.type = virtio_block::RequestType::in,
                                    .sector = 0,
                                    .buffers = buffers,
                                    .token = this}))
            ++count;
        return count;
    }

  private:
    void completed(void*, virtio_block::Status) override {}
    void room_again() override {}

    HostDisk& disk_;
    std::array<std::byte, 512> sector_{};
};

TEST_CASE("no part of a core is left out where the disk has no room at once", "[core_dump]") {
    Bench bench(8 * mebi);
    std::ranges::fill(std::span(bench.store.bytes).first(512), std::byte{0xa5});
    bench.store_in_guest(0, 1);
    const std::uint64_t half = bench.disk->sectors() / 2;
    std::list<Filler> fillers;
    const auto fill_all = [&] {
        for (Filler& filler : fillers)
            filler.fill();
    };
    do
        fillers.emplace_back(*bench.disk, DiskRange{half + fillers.size(), 1});
    while (fillers.back().fill() != 0);
    auto settings = bench.settings();
    settings.range.count = half;
    CoreDump dump(settings, *bench.disk, *bench.vm, *bench.ram);
    REQUIRE(dump.begin());
    bool was_erased = false;
    CoreDump::Step step = dump.go_on();
    CHECK(step == CoreDump::Step::waits);
    for (int steps = 0; step != CoreDump::Step::done && steps < 10000; ++steps) {
        if (step == CoreDump::Step::waits) {
            bench.device.work();
            bench.disk->interrupted();
            was_erased |= bench.store.bytes[0] == std::byte{0};
        }
        step = dump.go_on();  // it is asked whenever it likes
        fill_all();
    }
    CHECK(step == CoreDump::Step::done);
    CHECK_FALSE(dump.result().fault);
    CHECK(was_erased);
    CHECK(std::memcmp(bench.store.bytes.data(), ELFMAG, SELFMAG) == 0);
    bench.device.work();
    bench.disk->interrupted();
}

}  // namespace
}  // namespace cairn
