// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/guest_translation.hpp"

#include <rapidcheck.h>

#include <vector>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Error = GuestTranslationError;

constexpr GuestPhys base{0x8000'0000};
constexpr std::uint64_t page = paging::page_size;
constexpr std::uint64_t leaf_flags = Pte::R::mask | Pte::X::mask;
constexpr std::uint64_t napot = std::uint64_t{1} << 63;

/// RAM of 64 KiB; table n is its page n, and the root is page 0.
struct Tables {
    std::vector<std::byte> ram = std::vector<std::byte>(16 * page);
    GuestMemory memory{base, ram};

    void put(unsigned table, std::uint64_t index, std::uint64_t bits) {
        REQUIRE(memory.store(base + table * page + index * 8, bits).has_value());
    }
    /// Table 0 to table n, one below the other, at index 1 of each; the last entry is `bits`.
    void chain(unsigned levels, std::uint64_t bits) {
        for (unsigned table = 0; table + 1 < levels; ++table)
            put(table, 1, Pte::table({base.value + (table + 1) * page}).bits);
        put(levels - 1, 1, bits);
    }
    [[nodiscard]] std::expected<GuestPlace, Error> at(SatpMode mode, std::uint64_t address) const {
        return translate(memory, stage1::satp(mode, {base.value}), {address});
    }
};

/// The address that has index 1 in each of `levels` tables, the lowest of which is at `level`.
std::uint64_t ones(unsigned levels, unsigned level = 0) {
    std::uint64_t address = 0;
    for (unsigned n = 0; n < levels; ++n)
        address |= std::uint64_t{1} << paging::level_shift(level + n);
    return address;
}

std::uint64_t leaf(std::uint64_t address) {
    return Pte::leaf({address}, leaf_flags).bits;
}

TEST_CASE_METHOD(Tables, "paging off: an address is itself", "[guest_translation]") {
    const auto place = translate(memory, 0, {0x1234});
    REQUIRE(place);
    CHECK(place->at == GuestPhys{0x1234});
    CHECK(place->left == ~std::uint64_t{0} - 0x1234);
}

TEST_CASE_METHOD(Tables, "each mode has its levels", "[guest_translation]") {
    for (const SatpMode mode : {SatpMode::sv39, SatpMode::sv48, SatpMode::sv57}) {
        const unsigned levels = stage1::format(mode).levels;
        chain(levels, leaf(0x9000'5000));
        const auto place = at(mode, ones(levels) + 0x123);
        REQUIRE(place);
        CHECK(*place == GuestPlace{{0x9000'5123}, page, page - 0x123});
        CHECK(at(mode, ones(levels) + page).error() == Error::not_mapped);
    }
}

TEST_CASE_METHOD(Tables, "a large leaf keeps the lower bits", "[guest_translation]") {
    chain(2, leaf(0x8020'0000));
    const auto place = at(SatpMode::sv39, ones(2, 1) + 0x12'3456);
    REQUIRE(place);
    CHECK(*place == GuestPlace{{0x8032'3456}, 2 << 20, (2 << 20) - 0x12'3456});
    put(0, 1, leaf(0x4000'0000));
    CHECK(at(SatpMode::sv39, (1ull << 30) + 5)->at == GuestPhys{0x4000'0005});
}

TEST_CASE_METHOD(Tables, "addresses of the upper half are sign-extended", "[guest_translation]") {
    put(0, 511, leaf(0xc000'0000));
    CHECK(at(SatpMode::sv39, ~0ull)->at == GuestPhys{0xffff'ffff});
    CHECK(at(SatpMode::sv39, 0x7f'ffff'ffffull).error() == Error::not_canonical);
    CHECK(at(SatpMode::sv39, 0xffff'ff80'0000'0000ull - 1).error() == Error::not_canonical);
    CHECK(at(SatpMode::sv48, 0x0000'8000'0000'0000ull).error() == Error::not_canonical);
}

TEST_CASE_METHOD(Tables, "Svnapot: sixteen entries are one leaf", "[guest_translation]") {
    chain(3, leaf(0x9000'8000) | napot);
    CHECK(*at(SatpMode::sv39, ones(3) + 4) == GuestPlace{{0x9000'1004}, 16 * page, 15 * page - 4});
    chain(3, leaf(0x9000'4000) | napot);
    CHECK(at(SatpMode::sv39, ones(3)).error() == Error::reserved_entry);
    chain(2, leaf(0x8000'8000) | napot);
    CHECK(at(SatpMode::sv39, ones(2, 1)).error() == Error::reserved_entry);
}

TEST_CASE_METHOD(Tables, "bad tables are refused", "[guest_translation]") {
    const auto refused = [this](std::uint64_t bits, unsigned levels = 3) {
        chain(levels, bits);
        const auto place = at(SatpMode::sv39, ones(levels, 3 - levels));
        return place ? std::optional<Error>() : place.error();
    };
    CHECK(refused(0) == Error::not_mapped);
    CHECK(refused(leaf(0x9000'0000) & ~Pte::V::mask) == Error::not_mapped);
    CHECK(refused(Pte::table({base.value}).bits) == Error::not_mapped);  // no leaf at the end
    CHECK(refused(leaf(0x8000'1000), 2) == Error::misaligned_leaf);
    CHECK(refused(leaf(0x8020'0000), 1) == Error::misaligned_leaf);
    CHECK(refused(Pte::W::mask | Pte::V::mask) == Error::reserved_entry);
    CHECK(refused(leaf(0x9000'0000) | 1ull << 54) == Error::reserved_entry);
    CHECK(refused(leaf(0x9000'0000) | 1ull << 60) == Error::reserved_entry);
    CHECK(refused(leaf(0x9000'0000) | 3ull << 61) == Error::reserved_entry);
    for (const std::uint64_t bit : {Pte::U::mask, Pte::A::mask, Pte::D::mask, napot})
        CHECK(refused(Pte::table({base.value}).bits | bit, 2) == Error::reserved_entry);
}

TEST_CASE_METHOD(Tables, "tables lie in RAM", "[guest_translation]") {
    const auto below = [this](std::uint64_t address) {
        put(0, 0, Pte::table({address}).bits);
        return at(SatpMode::sv39, 0).error();
    };
    CHECK(below(base.value - page) == Error::table_outside_ram);
    CHECK(below(base.value + ram.size()) == Error::table_outside_ram);
    CHECK(below(0xff'ffff'ffff'f000) == Error::table_outside_ram);
    CHECK(below(base.value + ram.size() - page) == Error::not_mapped);
    CHECK(translate(memory, stage1::satp(SatpMode::sv39, {0}), {0}).error() ==
          Error::table_outside_ram);
}

TEST_CASE_METHOD(Tables, "reserved modes are refused", "[guest_translation]") {
    for (const unsigned mode : {1u, 7u, 11u, 15u})
        CHECK(translate(memory, std::uint64_t{mode} << 60, {0}).error() == Error::reserved_mode);
}

TEST_CASE("whatever the tables say, a place is within its leaf", "[guest_translation]") {
    CHECK(rc::check([] {
        Tables tables;
        const auto mode = *rc::gen::element(SatpMode::sv39, SatpMode::sv48, SatpMode::sv57);
        for (unsigned n = 0; n < 64; ++n) {
            const std::uint64_t to = base.value + *rc::gen::inRange<std::uint64_t>(0, 20) * page;
            const std::uint64_t flags = *rc::gen::inRange<std::uint64_t>(0, 256);
            tables.put(n % 16, n / 16, Pte::table({to}).bits | flags);
        }
        std::uint64_t address = 0;
        for (unsigned level = 0; level < paging::max_levels; ++level)
            address |= *rc::gen::inRange<std::uint64_t>(0, 4) << paging::level_shift(level);
        const auto place = tables.at(mode, address);
        if (!place) return;
        RC_ASSERT(place->left != 0 && place->left <= place->leaf_size);
        RC_ASSERT((place->at.value & (place->leaf_size - 1)) == (address & (place->leaf_size - 1)));
    }));
}

}  // namespace
}  // namespace cairn
