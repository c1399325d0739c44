// SPDX-License-Identifier: MIT
#include "kernel/uefi/firmware_memory.hpp"

#include "tests/unit/fake_firmware.hpp"

using namespace cairn;
using namespace cairn::uefi;

namespace {

MemoryDescriptor range(MemoryType type, std::uint64_t base, std::uint64_t pages,
                       std::uint64_t attribute = memory_write_back) {
    return {type, 0, base, 0, pages, attribute};
}

Outcome<DoorMemory> free_memory_of(FakeFirmware& fake, std::vector<MemoryDescriptor> map) {
    fake.map = std::move(map);
    const auto taken = FirmwareMemoryMap::take(Firmware(fake.table));
    REQUIRE(taken);
    return free_memory(*taken);
}

}  // namespace

TEST_CASE("only what nobody needs any more is free", "[firmware_memory]") {
    using enum MemoryType;
    for (const MemoryType type :
         {loader_code, loader_data, boot_services_code, boot_services_data, conventional}) {
        CHECK(is_free_after_boot_services(range(type, 0, 1)));
        CHECK_FALSE(is_free_after_boot_services(range(type, 0, 1, memory_runtime)));
        CHECK_FALSE(is_free_after_boot_services(range(type, 0, 1, memory_specific_use)));
    }
    for (const MemoryType type :
         {reserved, runtime_services_code, runtime_services_data, unusable, acpi_reclaim, acpi_nvs,
          memory_mapped_io, memory_mapped_io_ports, pal_code, persistent, unaccepted,
          static_cast<MemoryType>(0x8000'0001)}) {
        CHECK_FALSE(is_free_after_boot_services(range(type, 0, 1)));
    }
}

TEST_CASE("free neighbours are one range", "[firmware_memory]") {
    FakeFirmware fake;
    using enum MemoryType;
    const auto memory = free_memory_of(
        fake, {range(conventional, 0x9000'0000, 2), range(boot_services_data, 0x8000'0000, 0x10),
               range(loader_data, 0x8001'0000, 1), range(runtime_services_data, 0x8001'1000, 1),
               range(conventional, 0x8001'2000, 1), range(conventional, 0x7000'0000, 0)});
    REQUIRE(memory);
    CHECK(*memory ==
          DoorMemory{{{0x8000'0000}, 0x1'1000}, {{0x8001'2000}, 0x1000}, {{0x9000'0000}, 0x2000}});
    CHECK(fake.outstanding() == 0);
}

TEST_CASE("ranges that cannot be are refused", "[firmware_memory]") {
    FakeFirmware fake;
    using enum MemoryType;
    for (const auto& bad : {range(conventional, 0x1000, ~0ull), range(conventional, ~0xfffull, 2),
                            range(conventional, 0x1000, 1ull << 52)}) {
        const auto memory = free_memory_of(fake, {bad});
        REQUIRE_FALSE(memory);
        CHECK(memory.error().status() == Status::protocol_error);
    }
    // Nobody's business.
    CHECK(free_memory_of(fake, {range(memory_mapped_io, 0x1000, ~0ull)})->empty());
}

TEST_CASE("more separate ranges than fit are refused", "[firmware_memory]") {
    FakeFirmware fake;
    for (const std::size_t count : {max_memory_ranges, max_memory_ranges + 1, std::size_t{300}}) {
        std::vector<MemoryDescriptor> map;
        for (std::size_t i = 0; i < count; ++i)
            map.push_back(range(MemoryType::conventional, i * 0x2000, 1));
        const auto memory = free_memory_of(fake, std::move(map));
        CHECK(memory.has_value() == (count <= max_memory_ranges));
        if (!memory) CHECK(memory.error().status() == Status::buffer_too_small);
    }
}

TEST_CASE("descriptors may be longer than ours, and not shorter", "[firmware_memory]") {
    FakeFirmware fake;
    for (const std::size_t size : {40u, 48u, 64u}) {
        fake.descriptor_size = size;
        const auto map = FirmwareMemoryMap::take(Firmware(fake.table));
        REQUIRE(map);
        REQUIRE(map->size() == fake.map.size());
        CHECK((*map)[3].physical_start == fake.map[3].physical_start);
    }
    fake.descriptor_size = 32;
    CHECK(FirmwareMemoryMap::take(Firmware(fake.table)).error() == Status::incompatible_version);
    CHECK(fake.outstanding() == 0);
}

TEST_CASE("a map that ends behind its buffer is refused", "[firmware_memory]") {
    FakeFirmware fake;
    for (const std::size_t lie : {8 * fake.descriptor_size + 1, ~std::size_t{0} / 2}) {
        fake.map_lies_by = lie;
        CHECK(FirmwareMemoryMap::take(Firmware(fake.table)).error() == Status::protocol_error);
    }
    fake.map_lies_by = 8 * fake.descriptor_size;  // of which it only says that they are there
    CHECK(FirmwareMemoryMap::take(Firmware(fake.table)));
    CHECK(fake.outstanding() == 0);
}

TEST_CASE("a map of nothing gives its buffer back", "[firmware_memory]") {
    FakeFirmware fake;
    fake.map.clear();
    fake.descriptor_size = 0;
    CHECK(FirmwareMemoryMap::take(Firmware(fake.table)).error() == Status::incompatible_version);
    CHECK(fake.outstanding() == 0);
}

TEST_CASE("leaving is tried again where the map has changed", "[firmware_memory]") {
    FakeFirmware fake;
    fake.stale_maps = 3;
    const auto memory = leave_boot_services(Firmware(fake.table), &fake.image);
    REQUIRE(memory);
    CHECK(fake.exited);
    CHECK_FALSE(fake.called_after_exit);
    CHECK(std::ranges::count(fake.names, "ExitBootServices") == 4);
    CHECK(fake.outstanding() == 1);  // the last map's buffer
    CHECK(*memory == DoorMemory{{{0x8008'0000}, 0x28'0000}, {{0x9000'0000}, 0x1'0000}});
}

TEST_CASE("leaving is not tried for ever", "[firmware_memory]") {
    FakeFirmware fake;
    fake.stale_maps = 1000;
    const auto memory = leave_boot_services(Firmware(fake.table), &fake.image);
    REQUIRE_FALSE(memory);
    CHECK(memory.error().status() == Status::invalid_parameter);
    CHECK(fake.outstanding() == 0);
}
