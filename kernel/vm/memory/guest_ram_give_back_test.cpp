// SPDX-License-Identifier: MIT
// GuestRam: what a guest gives back, and gets again.
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "kernel/vm/memory/guest_ram.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/ram_arena.hpp"
#include "tests/unit/vm_heap.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t chunk = GuestRam::chunk_size;
constexpr GuestPhys base{0x8000'0000};
constexpr std::byte left_behind{0xa5};

struct CountingHarts final : TranslationFence {
    void forget(std::uint64_t, std::uint64_t) override { ++forgotten; }
    int forgotten = 0;
};

/// A machine of a few chunks, which hold what somebody left there.
struct Bench {
    explicit Bench(std::uint64_t machine) : memory(test::kernel_heap(), pool, "bench", mebi) {
        REQUIRE(machine <= size);
        const HostRange all{arena.base(), machine};
        std::memset(pool.at(all.base), std::to_integer<int>(left_behind), machine);
        REQUIRE(pool.init(*MemoryMap::create(std::array{all}, {})));
        free = pool.free_bytes();
    }
    ~Bench() {
        CHECK(pool.free_bytes() == free);  // whatever a test took has gone back
        CHECK(memory.account().live() == 0);
    }
    [[nodiscard]] GuestRam make(std::uint64_t bytes) {
        auto table = Stage2Table::create(Stage2Mode::sv39x4, memory.frames());
        REQUIRE(table);
        return GuestRam(pool, memory, std::move(*table),
                        {.base = base, .size = bytes, .trust_unused = false, .harts = &harts});
    }
    /// Another VM takes all that is free, and leaves something there.
    std::vector<HostRange> take_rest() {
        std::vector<HostRange> taken;
        while (const auto frames = pool.take_guest_ram(chunk, base)) {
            pool.mark_used(*frames);
            std::memset(pool.at(frames->base), std::to_integer<int>(left_behind), chunk);
            taken.push_back(*frames);
        }
        return taken;
    }
    void free_rest(const std::vector<HostRange>& taken) {
        for (const HostRange& each : taken)
            pool.free_frames(each.base, each.size / frame_size);
    }

    static constexpr std::uint64_t size = 96 * mebi;
    RamArena arena{size};
    FramePool pool;
    VmMemory memory;
    CountingHarts harts;
    std::uint64_t free = 0;
};

std::byte* seen(const GuestRam& ram, GuestPhys at) {
    const auto mapping = ram.table().translate(at);
    return mapping ? reinterpret_cast<std::byte*>(mapping->host.value) : nullptr;
}

bool is_zero(const std::byte* bytes) {
    return bytes != nullptr && std::ranges::all_of(std::span(bytes, chunk),
                                                   [](std::byte b) { return b == std::byte{0}; });
}

TEST_CASE("frames that are given back are the pool's, and come again as zeroes",
          "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.memory().fill(base, 8 * mebi, std::byte{3}));
    const std::uint64_t free = bench.pool.free_bytes();
    REQUIRE(ram.give_back(base + chunk + 5));
    CHECK_FALSE(ram.give_back(base + chunk));  // it has been
    CHECK(bench.harts.forgotten == 1);
    CHECK(seen(ram, base + chunk) == nullptr);
    CHECK(*seen(ram, base) == std::byte{3});
    CHECK(ram.given_back_bytes() == chunk);
    CHECK(ram.present_bytes() == 3 * chunk);
    CHECK(ram.view(base + chunk).bytes == nullptr);  // zeros in a core
    CHECK(bench.pool.free_bytes() == free);
    REQUIRE(ram.drain());
    CHECK(bench.pool.free_bytes() == free + chunk);

    const auto others = bench.take_rest();
    CHECK_FALSE(ram.take_back(base + chunk));
    CHECK(ram.touch(base + chunk) == RamTouch::lacking);
    CHECK(ram.touch(base + chunk) == RamTouch::busy);  // which is said once
    CHECK(ram.memory().load<int>(base + chunk).error() == GuestMemoryError::unavailable);
    CHECK(ram.given_back_bytes() == chunk);
    bench.free_rest(others);
    CHECK(ram.touch(base + chunk) == RamTouch::given);
    CHECK(is_zero(seen(ram, base + chunk)));
    CHECK(ram.given_back_bytes() == 0);
    CHECK(ram.take_back(base + chunk));  // nothing to do
}

TEST_CASE("the pieces of RAM can be looked at while they change", "[guest_ram_give_back]") {
    Bench bench(88 * mebi);
    GuestRam ram = bench.make(80 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    for (std::uint64_t n = 1; n < 40; n += 2)
        REQUIRE(ram.give_back(base + n * chunk));
    REQUIRE(ram.drain());
    std::vector<GuestPhys> seen_at;
    ram.visit_pieces([&](GuestPhys at, const HostRange& frames) {
        seen_at.push_back(at);
        CHECK(frames.size == chunk);
        if (seen_at.size() != 3) return;
        REQUIRE(ram.give_back(base + 38 * chunk));  // the last
        REQUIRE(ram.drain());
    });
    REQUIRE(seen_at.size() == 19);
    CHECK(seen_at.front() == base);
    CHECK(seen_at.back() == base + 36 * chunk);
}

TEST_CASE("frames stay while somebody of Cairn's is at them", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const GuestMemory memory = ram.memory();
    const std::uint64_t free = bench.pool.free_bytes();
    {
        const RamHold hold = memory.hold();
        const auto bytes = memory.bytes(base, 16);
        REQUIRE(bytes);
        REQUIRE(ram.give_back(base));
        CHECK_FALSE(ram.drain());
        (*bytes)[0] = std::byte{1};  // into what nobody else has
        CHECK_FALSE(ram.drain());
    }
    CHECK(ram.drain());
    CHECK(bench.pool.free_bytes() == free + chunk);
}

TEST_CASE("what is taken back before it has gone is zero, too", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.memory().fill(base, chunk, std::byte{3}));
    REQUIRE(ram.give_back(base));
    REQUIRE(ram.take_back(base));
    CHECK(ram.drain());
    CHECK(ram.given_back_bytes() == 0);
    CHECK(ram.touch(base) == RamTouch::given);
    CHECK(is_zero(seen(ram, base)));
}

TEST_CASE("discarded memory is zero, and stays the guest's", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.memory().fill(base, 8 * mebi, std::byte{3}));
    const std::uint64_t free = bench.pool.free_bytes();
    ram.discard({base + 1, 3 * chunk - 1});  // of which two are whole
    CHECK(ram.present_bytes() == 2 * chunk);
    CHECK(*seen(ram, base) == std::byte{3});
    CHECK(seen(ram, base + chunk) == nullptr);
    CHECK(seen(ram, base + 2 * chunk) == nullptr);
    CHECK(bench.pool.free_bytes() == free);
    const auto others = bench.take_rest();
    CHECK(ram.touch(base + chunk) == RamTouch::given);
    CHECK(is_zero(seen(ram, base + chunk)));
    bench.free_rest(others);
}

TEST_CASE("what is shown is given back, and is no file when it comes again",
          "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const auto file = bench.pool.take_guest_ram(chunk, base);
    REQUIRE(file);
    REQUIRE(ram.show(base, {bench.pool.at(file->base), chunk}) == chunk);
    REQUIRE(ram.touch(base + 5) == RamTouch::given);  // a block of its own
    REQUIRE(ram.give_back(base));
    CHECK(seen(ram, base) == nullptr);
    CHECK(ram.table().statistics().table_pages == 4);  // what is left is the root
    REQUIRE(ram.drain());
    CHECK(ram.touch(base) == RamTouch::given);
    CHECK(is_zero(seen(ram, base)));
    CHECK(ram.touch(base) == RamTouch::present);
    CHECK(*bench.pool.at(file->base) == left_behind);
    bench.pool.free_frames(file->base, chunk / frame_size);
}

TEST_CASE("code with breakpoints is not given back", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(4 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.insert(base + 0x100));
    CHECK_FALSE(ram.give_back(base));
    ram.remove_all();
    CHECK(ram.give_back(base));
    REQUIRE(ram.drain());
    const auto others = bench.take_rest();
    CHECK_FALSE(ram.insert(base + 0x100));
    bench.free_rest(others);
}

TEST_CASE("a guest that starts again has all of its RAM, or none", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.memory().fill(base, 8 * mebi, std::byte{3}));
    REQUIRE(ram.give_back(base + chunk));
    REQUIRE(ram.drain());
    REQUIRE(ram.give_back(base + 2 * chunk));
    REQUIRE(ram.forget());
    CHECK(ram.given_back_bytes() == 0);
    for (std::uint64_t at = 0; at < 8 * mebi; at += chunk) {
        CHECK(ram.touch(base + at) == RamTouch::given);
        CHECK(is_zero(seen(ram, base + at)));
    }
    REQUIRE(ram.give_back(base + chunk));
    REQUIRE(ram.drain());
    const auto others = bench.take_rest();
    CHECK_FALSE(ram.forget());
    bench.free_rest(others);
}

TEST_CASE("what is given back ends with the guest", "[guest_ram_give_back]") {
    Bench bench(16 * mebi);
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.give_back(base));
    REQUIRE(ram.drain());
    REQUIRE(ram.give_back(base + chunk));
}

/// A guest of eight chunks in a machine of twelve, beside one who takes and frees. Of each chunk it
/// is known what has to be in its first byte: what was written last, or zero.
struct Model {
    static constexpr std::size_t chunks = 8;

    void write(std::size_t n, std::byte value) {
        if (ram.memory().store(at(n), value)) content[n] = value;
    }
    void touch(std::size_t n) {
        const RamTouch done = ram.touch(at(n));
        const bool is_there = done == RamTouch::given || done == RamTouch::present;
        RC_ASSERT(is_there == (seen(ram, at(n)) != nullptr));
        if (is_there) away[n] = false;
    }
    void give(std::size_t n) {
        RC_ASSERT(ram.give_back(at(n)) == !away[n]);
        away[n] = true;
        content[n] = std::byte{0};
    }
    void check() {
        std::uint64_t given_back = 0;
        for (std::size_t n = 0; n < chunks; ++n) {
            given_back += away[n] ? chunk : 0;
            const std::byte* const there = seen(ram, at(n));
            RC_ASSERT(!(away[n] && there != nullptr));
            if (there != nullptr) RC_ASSERT(*there == content[n]);
            if (there == nullptr) RC_ASSERT(content[n] == std::byte{0});
            for (const HostRange& other : others)
                RC_ASSERT(there != bench.pool.at(other.base));
        }
        RC_ASSERT(ram.given_back_bytes() == given_back);
        for (const HostRange& other : others)
            RC_ASSERT(*bench.pool.at(other.base) == left_behind);
    }
    static GuestPhys at(std::size_t n) { return base + n * chunk; }

    Bench bench{26 * mebi};
    GuestRam ram{bench.make(chunks * chunk)};
    std::array<std::byte, chunks> content{};
    std::array<bool, chunks> away{};
    std::vector<HostRange> others;
};

TEST_CASE("whatever is given back, touched and taken by others, each has its own",
          "[guest_ram_give_back]") {
    const bool holds = rc::check("give back", [] {
        Model model;
        RC_ASSERT(model.ram.take_frames() == GuestRam::Taken::all);
        std::optional<RamHold> hold;
        const auto steps =
            *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0u, 100u * 8));
        for (const unsigned step : steps) {
            const std::size_t n = step % 8;
            const unsigned what = step / 8;
            if (what < 25) {
                model.write(n, static_cast<std::byte>(1 + what));
                model.away[n] = model.away[n] && seen(model.ram, Model::at(n)) == nullptr;
            } else if (what < 35) {
                model.touch(n);
            } else if (what < 60) {
                model.give(n);
            } else if (what < 65) {
                if (model.ram.take_back(Model::at(n))) model.away[n] = false;
            } else if (what < 75) {
                (void)model.ram.drain();
            } else if (what < 85) {
                const auto more = model.bench.take_rest();
                model.others.insert(model.others.end(), more.begin(), more.end());
            } else if (what < 90) {
                model.bench.free_rest(model.others);
                model.others.clear();
            } else if (what < 94) {
                hold.reset();
                hold.emplace(&model.ram.readers());
            } else if (what < 98) {
                hold.reset();
            } else {
                model.ram.discard({Model::at(n), chunk});
                if (!model.away[n]) model.content[n] = std::byte{0};
            }
            model.check();
        }
        hold.reset();
        model.bench.free_rest(model.others);
    });
    CHECK(holds);
}

TEST_CASE("what is ready about an address is a chunk, and another generation when it goes",
          "[guest_ram_give_back]") {
    Bench bench(8 * mebi);
    GuestRam ram = bench.make(4 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(ram.window(base + 5).bytes.empty());
    REQUIRE(ram.touch(base) == RamTouch::given);
    const RamWindow found = ram.window(base + 5);
    CHECK(found.base == base);
    CHECK(found.bytes.size() == chunk);
    CHECK(found.bytes.data() == seen(ram, base));
    CHECK(ram.window(base + chunk).bytes.empty());
    CHECK(ram.window(base + 2 * chunk).bytes.empty());
    CHECK(ram.window({0}).bytes.empty());
    const std::uint64_t generation = ram.generation();
    REQUIRE(ram.touch(base + chunk) == RamTouch::given);
    CHECK(ram.generation() == generation);  // nothing has gone
    ram.discard({base + chunk, chunk});
    CHECK(ram.generation() == generation + 1);
    CHECK(ram.window(base + chunk).bytes.empty());
    REQUIRE(ram.give_back(base));
    CHECK(ram.generation() == generation + 2);
    CHECK(ram.window(base).bytes.empty());
    REQUIRE(ram.forget());
    CHECK(ram.generation() == generation + 3);
}

}  // namespace
}  // namespace cairn
