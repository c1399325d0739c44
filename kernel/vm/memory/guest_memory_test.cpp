// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/guest_memory.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr GuestPhys base{0x8000'0000};

struct Fixture {
    std::array<std::byte, 64> ram{};
    GuestMemory memory{base, ram};
};

TEST_CASE_METHOD(Fixture, "bytes are RAM's own, up to its end", "[guest_memory]") {
    CHECK(memory.range() == GuestRange{base, 64});
    CHECK(memory.bytes(base, 64)->data() == ram.data());
    CHECK(memory.bytes(base + 60, 4)->data() == ram.data() + 60);
    CHECK(memory.bytes(base + 64, 0)->empty());
}

TEST_CASE_METHOD(Fixture, "what is not all RAM is refused", "[guest_memory]") {
    const auto refused = [this](GuestPhys at, std::uint64_t size) {
        const auto bytes = memory.bytes(at, size);
        return !bytes && bytes.error() == GuestMemoryError::out_of_range;
    };
    CHECK(refused(base - 1, 1));
    CHECK(refused(base - 1, 2));
    CHECK(refused(base + 63, 2));
    CHECK(refused(base + 64, 1));
    CHECK(refused(base + 65, 0));
    CHECK(refused(base, ~0ull));
    CHECK(refused(base + 1, ~0ull));
    CHECK(refused({~0ull}, 1));
    CHECK(refused({~0ull}, ~0ull));
    CHECK(refused({0}, base.value + 1));
}

TEST_CASE("any address and size is inside as a wide integer says", "[guest_memory]") {
    const bool holds = rc::check("bytes", [] {
        static std::array<std::byte, 4096> ram{};
        const GuestMemory memory(base, ram);
        const auto near = rc::gen::inRange<std::uint64_t>(base.value - 8, base.value + 4104);
        const auto at = *rc::gen::oneOf(near, rc::gen::arbitrary<std::uint64_t>());
        const auto size = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 4100),
                                          rc::gen::arbitrary<std::uint64_t>());
        __extension__ using Wide = unsigned __int128;
        const bool inside = at >= base.value && Wide{at} + size <= Wide{base.value} + ram.size();
        RC_ASSERT(memory.bytes({at}, size).has_value() == inside);
    });
    CHECK(holds);
}

TEST_CASE_METHOD(Fixture, "copies and fills are all or nothing", "[guest_memory]") {
    const std::array from{std::byte{1}, std::byte{2}, std::byte{3}};
    CHECK(memory.copy_in(base + 61, from));
    CHECK(std::ranges::equal(std::span(ram).last(3), from));
    CHECK_FALSE(memory.copy_in(base + 62, from));
    CHECK(ram[62] == std::byte{2});

    std::array<std::byte, 3> to{};
    CHECK(memory.copy_out(base + 61, to));
    CHECK(to == from);
    CHECK_FALSE(memory.copy_out(base + 62, to));
    CHECK(to == from);

    CHECK(memory.fill(base + 1, 2, std::byte{9}));
    CHECK((ram[0] == std::byte{0} && ram[1] == std::byte{9} && ram[2] == std::byte{9} &&
           ram[3] == std::byte{0}));
    CHECK_FALSE(memory.fill(base, 65, std::byte{7}));
    CHECK(ram[0] == std::byte{0});
    CHECK(memory.copy_in(base + 64, {}));
    CHECK(memory.fill(base, 0, std::byte{1}));
}

/// RAM of two pieces, all there.
struct TwoPieces final : RamBacking {
    bool is_ready(GuestRange) const override { return true; }
    std::span<std::byte> piece(GuestRange range, RamUse) override {
        CHECK_FALSE(readers_have_ended());  // whoever asks is one
        const std::uint64_t offset = range.base - base;
        auto& from = offset < low.size() ? low : high;
        const std::uint64_t inside = offset % low.size();
        return std::span(from).subspan(inside, std::min(range.size, low.size() - inside));
    }
    RamWindow window(GuestPhys at) override {
        return at - base < low.size() ? RamWindow{base, low} : RamWindow{base + 16, high};
    }
    RamTouch touch(GuestPhys) override { return RamTouch::present; }
    std::uint64_t show(GuestPhys, std::span<const std::byte>) override { return 0; }
    bool readers_have_ended() {
        readers().restart();
        return readers().all_have_ended();
    }

    std::array<std::byte, 16> low{};
    std::array<std::byte, 16> high{};
};

TEST_CASE("what lies in two pieces is copied as one", "[guest_memory]") {
    TwoPieces two;
    const GuestMemory memory({base, 32}, two);
    CHECK(memory.range() == GuestRange{base, 32});
    CHECK(memory.store<std::uint32_t>(base + 14, 0x1234'5678));
    CHECK((two.low[15] == std::byte{0x56} && two.high[0] == std::byte{0x34}));
    CHECK(memory.load<std::uint32_t>(base + 14) == 0x1234'5678u);
    CHECK(two.readers_have_ended());
    CHECK(memory.fill(base + 10, 12, std::byte{5}));
    CHECK((two.low[9] == std::byte{0} && two.low[10] == std::byte{5} &&
           two.high[5] == std::byte{5} && two.high[6] == std::byte{0}));
    const RamHold hold = memory.hold();
    CHECK_FALSE(memory.bytes(base + 14, 4));
    CHECK(memory.bytes(base + 16, 16)->data() == two.high.data());
    CHECK(memory.piece(base + 14, 4)->size() == 2);
    CHECK(memory.piece(base + 32, 0)->empty());
    CHECK_FALSE(memory.piece(base + 31, 2));
}

TEST_CASE_METHOD(Fixture, "values are little-endian at any alignment", "[guest_memory]") {
    CHECK(memory.store<std::uint32_t>(base + 1, 0x1234'5678));
    CHECK(ram[1] == std::byte{0x78});
    CHECK(memory.load<std::uint32_t>(base + 1) == 0x1234'5678u);
    CHECK(memory.load<std::uint16_t>(base + 3) == 0x1234u);
    CHECK_FALSE(memory.load<std::uint64_t>(base + 57));
    CHECK_FALSE(memory.store<std::uint8_t>(base + 64, 0));
}

}  // namespace
}  // namespace cairn
