// SPDX-License-Identifier: MIT
#include "kernel/dev/empty_virtio_slot.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t magic = 0x7472'6976;
constexpr std::uint64_t vendor = 0x554d'4551;

}  // namespace

TEST_CASE("an empty slot says that it is one", "[empty_virtio_slot]") {
    EmptyVirtioSlot slot;
    CHECK(slot.read(0x0, AccessWidth::word) == magic);
    CHECK(slot.read(0x4, AccessWidth::word) == 1u);
    CHECK(slot.read(0x8, AccessWidth::word) == 0u);
    CHECK(slot.read(0xc, AccessWidth::word) == vendor);
    for (std::uint64_t offset = 0x10; offset < 0x200; offset += 4)
        CHECK(slot.read(offset, AccessWidth::word) == 0u);
}

TEST_CASE("an empty slot takes every width, as QEMU's does", "[empty_virtio_slot]") {
    EmptyVirtioSlot slot;
    CHECK(slot.read(0x0, AccessWidth::byte) == 'v');
    CHECK(slot.read(0x1, AccessWidth::byte) == 0u);
    CHECK(slot.read(0x0, AccessWidth::half) == (magic & 0xffff));
    CHECK(slot.read(0x0, AccessWidth::dword) == (1ull << 32 | magic));
    CHECK(slot.read(0x8, AccessWidth::dword) == vendor << 32);
}

TEST_CASE("writes to an empty slot change nothing", "[empty_virtio_slot]") {
    EmptyVirtioSlot slot;
    for (std::uint64_t offset = 0; offset < 0x200; offset += 4)
        CHECK(slot.write(offset, AccessWidth::word, 0xffff'ffff));
    CHECK(slot.read(0x0, AccessWidth::word) == magic);
    CHECK(slot.read(0x8, AccessWidth::word) == 0u);
    CHECK(slot.read(0x70, AccessWidth::word) == 0u);
}

TEST_CASE("behind an empty slot's registers is nothing", "[empty_virtio_slot]") {
    EmptyVirtioSlot slot;
    for (const std::uint64_t offset :
         {std::uint64_t{0x200}, std::uint64_t{0xfff}, ~std::uint64_t{0}}) {
        CHECK(slot.read(offset, AccessWidth::word).error() == BusError::unmapped);
        CHECK(slot.write(offset, AccessWidth::word, 0).error() == BusError::unmapped);
    }
}
