// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/guest_ram.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/ram_arena.hpp"
#include "tests/unit/vm_heap.hpp"

namespace cairn {

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t chunk = GuestRam::chunk_size;
constexpr GuestPhys base{0x8000'0000};
constexpr std::byte left_behind{0xa5};

/// A machine of 64 MiB less what is reserved, whose addresses are those of an arena's bytes. They
/// hold what somebody left there.
struct Bench {
    explicit Bench(std::vector<HostRange> reserved = {}, std::size_t quota = mebi)
        : memory(test::kernel_heap(), pool, "bench", quota) {
        for (HostRange& range : reserved)
            range.base = arena.base() + range.base.value;
        std::fill_n(reinterpret_cast<std::byte*>(arena.base().value), size, left_behind);
        const std::array all{HostRange{arena.base(), size}};
        REQUIRE(pool.init(*MemoryMap::create(all, reserved)));
        free = pool.free_bytes();
    }
    ~Bench() {
        CHECK(pool.free_bytes() == free);  // whatever a test took has gone back
        CHECK(memory.account().live() == 0);
    }

    [[nodiscard]] GuestRam make(std::uint64_t bytes, bool trust_unused = false,
                                TranslationFence* harts = nullptr) {
        auto table = Stage2Table::create(Stage2Mode::sv39x4, memory.frames());
        REQUIRE(table);
        return GuestRam(
            pool, memory, std::move(*table),
            {.base = base, .size = bytes, .trust_unused = trust_unused, .harts = harts});
    }

    static constexpr std::uint64_t size = 64 * mebi;
    RamArena arena{size};
    FramePool pool;
    VmMemory memory;
    std::uint64_t free = 0;
};

/// The machine's memory that it lies in, in the order of guest addresses.
std::vector<HostRange> pieces(const GuestRam& ram) {
    std::vector<HostRange> found;
    ram.visit_pieces([&](GuestPhys, const HostRange& piece) { found.push_back(piece); });
    return found;
}

bool all_are(std::span<const std::byte> bytes, std::byte value) {
    return std::ranges::all_of(bytes, [value](std::byte each) { return each == value; });
}

/// What the guest sees at `at`, by its table; nothing where there is no translation.
const std::byte* seen(GuestRam& ram, GuestPhys at) {
    const auto mapping = ram.table().translate(at);
    return mapping ? reinterpret_cast<const std::byte*>(mapping->host.value) : nullptr;
}

TEST_CASE("RAM is there when it is first touched, and zero", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(ram.present_bytes() == 0);
    CHECK(seen(ram, base) == nullptr);
    CHECK(ram.touch(base + chunk + 5) == RamTouch::given);
    CHECK(ram.touch(base + 2 * chunk - 1) == RamTouch::present);
    CHECK(seen(ram, base) == nullptr);
    CHECK(ram.present_bytes() == chunk);
    CHECK(all_are({seen(ram, base + chunk), chunk}, std::byte{0}));
    CHECK(ram.table().translate(base + chunk) ==
          PageMapping{pieces(ram)[0].base + chunk, chunk, pages_rwx});
}

TEST_CASE("what Cairn reads and writes is what the guest sees", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const GuestMemory memory = ram.memory();
    CHECK(memory.range() == GuestRange{base, 8 * mebi});
    CHECK(memory.load<std::uint64_t>(base + chunk - 4) == 0u);  // over an edge
    CHECK(ram.present_bytes() == 2 * chunk);
    REQUIRE(memory.store<std::uint32_t>(base + 3 * chunk + 8, 7));
    CHECK(*seen(ram, base + 3 * chunk + 8) == std::byte{7});
    CHECK(*seen(ram, base + 3 * chunk + 12) == std::byte{0});
    CHECK(memory.touch(base + 3 * chunk) == RamTouch::present);
    CHECK_FALSE(memory.load<std::uint64_t>(base + 8 * mebi - 4));
}

TEST_CASE("what covers a chunk is not zeroed first, what does not is", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const std::vector<std::byte> file(chunk + 16, std::byte{1});
    REQUIRE(ram.memory().copy_in(base + chunk, file));
    CHECK(all_are({seen(ram, base + chunk), file.size()}, std::byte{1}));
    CHECK(all_are({seen(ram, base + 2 * chunk + 16), chunk - 16}, std::byte{0}));
    // Not zeroed: the whole chunk, told by a prepared range that nobody wrote.
    REQUIRE_FALSE(ram.piece({base + 3 * chunk, chunk}, RamUse::overwrite_all).empty());
    CHECK(*seen(ram, base + 3 * chunk) == left_behind);
}

TEST_CASE("a piece makes one chunk present at most", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(8 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(ram.piece({base + 16, 4 * chunk - 16}, RamUse::access).size() == chunk - 16);
    CHECK(ram.present_bytes() == chunk);
    CHECK(ram.touch(base + chunk) == RamTouch::given);
    CHECK(ram.piece({base + 16, 4 * chunk - 16}, RamUse::access).size() == 2 * chunk - 16);
    CHECK(ram.present_bytes() == 2 * chunk);
}

TEST_CASE("a guest that starts again finds zeroes again", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(4 * mebi, true);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    REQUIRE(ram.memory().fill(base, 2 * chunk, std::byte{9}));
    CHECK(ram.forget());
    CHECK(seen(ram, base) == nullptr);
    CHECK(ram.present_bytes() == 0);
    CHECK(ram.touch(base) == RamTouch::given);
    CHECK(all_are({seen(ram, base), chunk}, std::byte{0}));
}

TEST_CASE("frames that nobody used since reset may be trusted", "[guest_ram]") {
    Bench bench;
    {
        GuestRam first = bench.make(4 * mebi, true);
        REQUIRE(first.take_frames() == GuestRam::Taken::all);
        CHECK(first.touch(base) == RamTouch::given);
        CHECK(*seen(first, base) == left_behind);
    }
    GuestRam second = bench.make(4 * mebi, true);
    REQUIRE(second.take_frames() == GuestRam::Taken::all);
    CHECK(second.touch(base) == RamTouch::given);
    CHECK(second.touch(base + chunk) == RamTouch::given);
    CHECK(*seen(second, base) == std::byte{0});  // another guest's
    CHECK(*seen(second, base + chunk) == left_behind);
}

TEST_CASE("RAM may be of several pieces", "[guest_ram]") {
    Bench bench({{{20 * mebi}, 2 * mebi}, {{40 * mebi}, mebi}});
    GuestRam ram = bench.make(48 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(pieces(ram).size() == 3);
    const GuestMemory memory = ram.memory();
    CHECK(memory.range() == GuestRange{base, 48 * mebi});
    std::vector<std::byte> pattern(48 * mebi);
    for (std::size_t n = 0; n < pattern.size(); ++n)
        pattern[n] = static_cast<std::byte>(n * 31 >> 12);
    REQUIRE(memory.copy_in(base, pattern));
    std::vector<std::byte> back(pattern.size());
    REQUIRE(memory.copy_out(base, back));
    CHECK(back == pattern);
    for (std::uint64_t at = 0; at < pattern.size(); at += chunk)
        CHECK(*seen(ram, base + at) == pattern[at]);
    // The first piece ends where the second begins.
    const GuestPhys edge = base + pieces(ram)[0].size;
    CHECK_FALSE(memory.bytes(edge - 1, 2));
    CHECK(memory.piece(edge - 1, 2)->size() == 1);
}

TEST_CASE("all frames are taken, or none", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(80 * mebi);
    CHECK(ram.take_frames() == GuestRam::Taken::no_frames);
    CHECK(pieces(ram).empty());
    CHECK(bench.pool.free_bytes() + 4 * frame_size == bench.free);  // the table's root
}

TEST_CASE("RAM may be of single chunks", "[guest_ram]") {
    std::vector<HostRange> reserved;
    for (std::uint64_t at = 3; at < 64; at += 4)
        reserved.push_back({{at * mebi}, 4096});  // leaves a chunk of every four MiB
    Bench bench(reserved);
    GuestRam ram = bench.make(20 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(pieces(ram).size() == 10);
}

TEST_CASE("a table that cannot grow makes RAM unavailable, not wrong", "[guest_ram]") {
    Bench bench({}, 20 * 1024);  // the root, the list of chunks, and no other table
    GuestRam ram = bench.make(4 * mebi);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK(ram.touch(base) == RamTouch::unavailable);
    CHECK(ram.memory().load<int>(base).error() == GuestMemoryError::unavailable);
    CHECK(ram.present_bytes() == 0);
}

/// Harts that look, while they forget, at what a table says of the address.
struct ForgetfulHarts final : TranslationFence {
    void forget(std::uint64_t address, std::uint64_t size) override {
        forgotten.push_back(address);
        whole_blocks = whole_blocks && size == GuestRam::block_size;
        any_mapped = any_mapped || ram->table().translate({address}).has_value();
    }
    GuestRam* ram = nullptr;
    std::vector<std::uint64_t> forgotten;
    bool whole_blocks = true;
    bool any_mapped = false;
};

/// A file of two chunks and a block, on a page, in which no two words are alike.
struct File {
    File() {
        std::size_t n = 0;
        for (std::uint64_t& each : words)
            each = n++ * 0x1'0001 + 1;
    }
    [[nodiscard]] std::span<const std::byte> bytes() const {
        const std::uint64_t page = paging::page_size;
        const auto start = reinterpret_cast<std::uintptr_t>(words.data());
        return std::as_bytes(std::span(words)).subspan((page - start % page) % page).first(size);
    }
    static constexpr std::uint64_t size = 2 * chunk + GuestRam::block_size;
    std::vector<std::uint64_t> words = std::vector<std::uint64_t>(size / 8 + 512);
};

/// All of it, piece by piece.
void place_all(const GuestMemory& memory, GuestPhys to, std::span<const std::byte> from) {
    while (!from.empty()) {
        const auto placed = memory.place(to, from);
        REQUIRE(placed);
        REQUIRE(*placed != 0);
        to = to + *placed;
        from = from.subspan(*placed);
    }
}

TEST_CASE("a file is shown until it is written to, and found unchanged by the next start",
          "[guest_ram]") {
    constexpr std::uint64_t block = GuestRam::block_size;
    Bench bench;
    const File file;
    const std::vector<std::byte> before(file.bytes().begin(), file.bytes().end());
    ForgetfulHarts harts;
    GuestRam ram = bench.make(8 * mebi, false, &harts);
    harts.ram = &ram;
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    for (int start = 0; start < 2; ++start) {
        place_all(ram.memory(), base + chunk, file.bytes());
        CHECK(seen(ram, base + chunk) == file.bytes().data());
        CHECK(seen(ram, base + 3 * chunk - block) == file.bytes().data() + 2 * chunk - block);
        CHECK(ram.table().translate(base + chunk)->permissions == pages_rx);
        // What is no whole chunk is a copy, on zeroes.
        const std::byte* const rest = seen(ram, base + 3 * chunk);
        CHECK(rest != file.bytes().data() + 2 * chunk);
        CHECK(std::ranges::equal(std::span(rest, block), file.bytes().subspan(2 * chunk)));
        CHECK(all_are({rest + block, chunk - block}, std::byte{0}));
        CHECK(harts.forgotten.empty());

        CHECK(ram.touch(base + chunk + block + 8) == RamTouch::given);
        CHECK(ram.touch(base + chunk + block) == RamTouch::present);
        CHECK(harts.forgotten == std::vector{(base + chunk + block).value});
        CHECK(ram.table().translate(base + chunk + block) ==
              PageMapping{pieces(ram)[0].base + chunk + block, paging::page_size, pages_rwx});
        auto* const own = const_cast<std::byte*>(seen(ram, base + chunk + block));
        CHECK(std::ranges::equal(std::span(own, block), file.bytes().subspan(block, block)));
        std::fill_n(own, block, left_behind);
        CHECK(seen(ram, base + chunk) == file.bytes().data());
        CHECK(seen(ram, base + chunk + 2 * block) == file.bytes().data() + 2 * block);

        CHECK(ram.forget());
        harts.forgotten.clear();
    }
    CHECK(harts.whole_blocks);
    CHECK_FALSE(harts.any_mapped);
    CHECK(std::ranges::equal(before, file.bytes()));
}

TEST_CASE("what Cairn writes to a file that is shown goes to RAM", "[guest_ram]") {
    constexpr std::uint64_t block = GuestRam::block_size;
    Bench bench;
    const File file;
    ForgetfulHarts harts;
    GuestRam ram = bench.make(8 * mebi, false, &harts);
    harts.ram = &ram;
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    place_all(ram.memory(), base, file.bytes());
    // From a block in the first chunk to one in the second.
    const std::vector<std::byte> some(block, left_behind);
    REQUIRE(ram.memory().copy_in(base + chunk - block / 2, some));
    CHECK(harts.forgotten == std::vector{(base + chunk - block).value, (base + chunk).value});
    std::vector<std::byte> back(2 * block);
    REQUIRE(ram.memory().copy_out(base + chunk - block, back));
    CHECK(all_are(std::span(back).subspan(block / 2, block), left_behind));
    CHECK(std::ranges::equal(std::span(back).first(block / 2),
                             file.bytes().subspan(chunk - block, block / 2)));
    CHECK(std::ranges::equal(std::span(seen(ram, base + chunk - block), 2 * block), back));
}

TEST_CASE("a file that cannot be shown is copied", "[guest_ram]") {
    Bench bench;
    const File file;
    ForgetfulHarts harts;
    const bool no_harts = GENERATE(false, true);
    const std::uint64_t at = GENERATE(std::uint64_t{0}, paging::page_size);
    const std::uint64_t skipped = GENERATE(0u, 4u);
    if (!no_harts && at == 0 && skipped == 0) return;
    GuestRam ram = bench.make(8 * mebi, false, no_harts ? nullptr : &harts);
    harts.ram = &ram;
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const auto bytes = file.bytes().subspan(skipped);
    place_all(ram.memory(), base + at, bytes);
    CHECK(ram.table().translate(base)->permissions == pages_rwx);
    CHECK(std::memcmp(seen(ram, base + at), bytes.data(), bytes.size()) == 0);
    CHECK(harts.forgotten.empty());
}

TEST_CASE("a file is shown as far as there is memory for tables", "[guest_ram]") {
    const File file;
    // Root and levels for two leaves, then a table of pages for the first chunk alone.
    Bench bench({}, std::size_t{7} * paging::page_size);
    ForgetfulHarts harts;
    GuestRam ram = bench.make(8 * mebi, false, &harts);
    harts.ram = &ram;
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    place_all(ram.memory(), base, file.bytes());
    CHECK(ram.table().translate(base)->permissions == pages_rx);
    CHECK(ram.table().translate(base + chunk)->permissions == pages_rwx);
    CHECK(std::memcmp(seen(ram, base + chunk), file.bytes().data() + chunk, chunk) == 0);
}

struct NoHarts final : TranslationFence {
    void forget(std::uint64_t, std::uint64_t) override {}
};

TEST_CASE("breakpoints are seen by fetches, and by nobody who reads", "[guest_ram]") {
    Bench bench;
    NoHarts harts;
    GuestRam ram = bench.make(2 * chunk, false, &harts);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const GuestMemory memory = ram.memory();
    const GuestPhys at = base + chunk + 0x1234;
    REQUIRE(memory.store(at, std::uint16_t{0x4501}));
    REQUIRE(ram.insert(at));
    CHECK(ram.has(at));
    CHECK(ram.touch(at) == RamTouch::patched);
    CHECK(ram.touch(at + 0x1000) == RamTouch::present);
    REQUIRE(ram.open(at, DebugPoints::Use::fetch));
    CHECK_FALSE(ram.table().translate(at)->permissions.read);
    CHECK(*memory.load<std::uint16_t>(at) == 0x4501);
    CHECK(ram.table().translate(at)->permissions == pages_rw);  // for Cairn's own access
    ram.remove_all();
    CHECK(ram.table().translate(at)->leaf_size == chunk);
    CHECK(ram.touch(at) == RamTouch::present);
    REQUIRE(ram.insert(at));
    CHECK(ram.forget());
    CHECK_FALSE(ram.has(at));
    CHECK(ram.touch(at) == RamTouch::given);
}

TEST_CASE("without a way to reach harts there are no breakpoints", "[guest_ram]") {
    Bench bench;
    GuestRam ram = bench.make(chunk);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    CHECK_FALSE(ram.insert(base));
    ram.remove_all();
}

TEST_CASE("what is shown can have breakpoints", "[guest_ram]") {
    Bench bench;
    NoHarts harts;
    const File file;
    GuestRam ram = bench.make(4 * chunk, false, &harts);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const GuestMemory memory = ram.memory();
    place_all(memory, base, file.bytes());
    const GuestPhys at = base + 0x2000;
    const auto before = *memory.load<std::uint64_t>(at + 0x100);
    REQUIRE(ram.insert(at));
    REQUIRE(ram.open(at, DebugPoints::Use::fetch));
    CHECK(*memory.load<std::uint64_t>(at + 0x100) == before);
    REQUIRE(ram.open(at, DebugPoints::Use::fetch));
    REQUIRE(memory.store(base + 0x3000, std::uint64_t{1}));  // the same block
    CHECK(ram.touch(at) == RamTouch::patched);
    ram.remove_all();
    CHECK(*memory.load<std::uint64_t>(at + 0x100) == before);
}

TEST_CASE("a page of what is shown keeps what the guest wrote while it is watched", "[guest_ram]") {
    Bench bench;
    NoHarts harts;
    const File file;
    GuestRam ram = bench.make(4 * chunk, false, &harts);
    REQUIRE(ram.take_frames() == GuestRam::Taken::all);
    const GuestMemory memory = ram.memory();
    place_all(memory, base, file.bytes());
    const GuestPhys at = base;  // the first page of its block
    REQUIRE(memory.store(at, std::uint64_t{1}));
    REQUIRE(ram.insert({.range = {at, 8}, .kind = WatchKind::access, .named = {at.value, 8}}));
    CHECK(ram.touch(at) == RamTouch::patched);
    CHECK(ram.met_by({at, 1}, {.reads = true, .writes = false}).has_value());
    REQUIRE(memory.store(at + 0x1000, std::uint64_t{2}));  // the same block
    CHECK(*memory.load<std::uint64_t>(at) == 1);
    ram.remove(WatchedBytes{at.value, 8}, WatchKind::access);
    ram.remove_all();
    CHECK(*memory.load<std::uint64_t>(at) == 1);
    CHECK(*memory.load<std::uint64_t>(at + 0x1000) == 2);
}

}  // namespace

}  // namespace cairn
