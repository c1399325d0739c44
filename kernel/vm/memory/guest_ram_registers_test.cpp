// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernel/vm/memory/guest_ram.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/ram_arena.hpp"
#include "tests/unit/vm_heap.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr GuestPhys base{0x8000'0000};
constexpr GuestPhys registers{0x0c00'2000};

/// A machine of 16 MiB, and a guest of 4 MiB. What lies in the frames is no zeros.
struct Bench {
    explicit Bench(std::size_t quota = mebi) : memory(test::kernel_heap(), pool, "bench", quota) {
        std::memset(reinterpret_cast<void*>(arena.base().value), 0xa5, size);
        const std::array all{HostRange{arena.base(), size}};
        REQUIRE(pool.init(*MemoryMap::create(all, {})));
        free = pool.free_bytes();
    }
    ~Bench() {
        CHECK(pool.free_bytes() == free);  // whatever a test took has gone back
        CHECK(memory.account().live() == 0);
    }
    [[nodiscard]] GuestRam make() {
        auto table = Stage2Table::create(Stage2Mode::sv39x4, memory.frames());
        REQUIRE(table);
        return GuestRam(pool, memory, std::move(*table),
                        {.base = base, .size = 4 * mebi, .trust_unused = false, .harts = nullptr});
    }

    static constexpr std::uint64_t size = 16 * mebi;
    RamArena arena{size};
    FramePool pool;
    VmMemory memory;
    std::uint64_t free = 0;
};

/// What the guest reads there; nullptr: that is an exit.
const std::uint32_t* seen(const GuestRam& ram, GuestPhys at) {
    const auto mapping = ram.table().translate(at);
    if (!mapping) return nullptr;
    CHECK(mapping->permissions == pages_r);
    return reinterpret_cast<const std::uint32_t*>(mapping->host.value);
}

}  // namespace

TEST_CASE("a page of registers is zeros, and seen once it is shown", "[guest_ram_registers]") {
    Bench bench;
    GuestRam ram = bench.make();
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK_FALSE(ram.show_register_page(registers));  // there is none
    CHECK(seen(ram, registers) == nullptr);

    std::uint32_t* const words = ram.register_page(registers);
    REQUIRE(words != nullptr);
    for (std::size_t n = 0; n < 1024; ++n)
        REQUIRE(words[n] == 0);
    CHECK(seen(ram, registers) == nullptr);
    CHECK(ram.register_page(registers) == words);
    for (int times = 0; times < 2; ++times) {
        CHECK(ram.show_register_page(registers));
        CHECK(seen(ram, registers) == words);
    }
    CHECK(seen(ram, registers + 0x1000) == nullptr);
}

TEST_CASE("a reset leaves what is shown, and what is not", "[guest_ram_registers]") {
    Bench bench;
    GuestRam ram = bench.make();
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const std::uint32_t* const words = ram.register_page(registers);
    REQUIRE(ram.show_register_page(registers));
    REQUIRE(ram.register_page(registers + 0x1000) != nullptr);
    CHECK(ram.touch(base) == RamTouch::given);
    REQUIRE(ram.forget());
    CHECK_FALSE(ram.table().translate(base));
    CHECK(seen(ram, registers) == words);
    CHECK(seen(ram, registers + 0x1000) == nullptr);
}

TEST_CASE("there are so many pages, and no more", "[guest_ram_registers]") {
    Bench bench;
    GuestRam ram = bench.make();
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    std::size_t pages = 0;
    while (ram.register_page(registers + pages * 0x1000) != nullptr)
        ++pages;
    CHECK(pages == 16);
    CHECK(ram.register_page(registers) != nullptr);
}

TEST_CASE("without memory nothing is shown", "[guest_ram_registers]") {
    for (std::size_t frames = 0; frames < 4; ++frames) {
        Bench bench(16 * 1024 + 1024 + frames * 4096);  // the root of the table, and so many
        GuestRam ram = bench.make();
        REQUIRE(ram.take_frames() == GuestRam::Taken::all);
        CHECK((ram.register_page(registers) != nullptr) == (frames >= 1));
        const std::size_t live = bench.memory.account().live();
        CHECK(ram.show_register_page(registers) == (frames >= 3));
        CHECK((seen(ram, registers) != nullptr) == (frames >= 3));
        CHECK((bench.memory.account().live() < live) == (frames == 1 || frames == 2));
    }
}
