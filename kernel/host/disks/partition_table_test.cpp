// SPDX-License-Identifier: MIT
#include "kernel/host/disks/partition_table.hpp"

#include <cstring>
#include <functional>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/partitioned_disk.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

using Found = std::expected<DiskRange, PartitionFault>;

Found failed(PartitionFault fault) {
    return std::unexpected(fault);
}

}  // namespace

TEST_CASE("a primary partition of an MBR is where its record says", "[partition_table]") {
    PartitionedDisk disk(1000);
    disk.put_mbr_record(0, 0x83, 63, 100);
    disk.put_mbr_record(2, 0x0c, 0x100, 0x2e8);
    CHECK(disk.find(1) == DiskRange{63, 100});
    CHECK(disk.find(3) == DiskRange{0x100, 0x2e8});
    CHECK(disk.find(2) == failed(PartitionFault::missing));
    CHECK(disk.find(5) == failed(PartitionFault::missing));
    CHECK(disk.find(0) == failed(PartitionFault::missing));
}

TEST_CASE("a record of an MBR that cannot be is none", "[partition_table]") {
    PartitionedDisk disk(1000);
    disk.put_mbr_record(0, 0x05, 10, 100);
    CHECK(disk.find(1) == failed(PartitionFault::extended));
    for (const auto& [first, count] :
         {std::pair{0u, 10u}, {10u, 0u}, {1000u, 1u}, {10u, 991u}, {~0u, ~0u}}) {
        disk.put_mbr_record(0, 0x83, first, count);
        CHECK(disk.find(1) == failed(PartitionFault::misplaced));
    }
    disk.bytes[446 + 16] = std::byte{0x12};  // the status of the second: a boot sector's code
    CHECK(disk.find(1) == failed(PartitionFault::no_table));
    disk.bytes[511] = std::byte{0};
    CHECK(disk.find(1) == failed(PartitionFault::no_table));
}

TEST_CASE("a partition of a GPT is where its entry says", "[partition_table]") {
    for (const std::uint32_t block_size : {512u, 4096u}) {
        CAPTURE(block_size);
        PartitionedDisk disk(1000, block_size);
        disk.put_gpt(
            {{.number = 1, .first = 100, .last = 199}, {.number = 128, .first = 200, .last = 200}});
        CHECK(disk.find(1) == DiskRange{100, 100});
        CHECK(disk.find(128) == DiskRange{200, 1});
        CHECK(disk.find(2) == failed(PartitionFault::missing));
        CHECK(disk.find(129) == failed(PartitionFault::missing));
        CHECK(disk.find(0) == failed(PartitionFault::missing));
        CHECK(disk.find(~0u) == failed(PartitionFault::missing));
    }
}

TEST_CASE("the backup serves where the primary is damaged", "[partition_table]") {
    const std::uint64_t header = 512;
    const std::uint64_t entries = 2 * 512;
    for (const std::uint64_t at :
         {header, header + 20, header + 24, header + 60, header + 88, entries, entries + 16383}) {
        CAPTURE(at);
        PartitionedDisk disk(1000);
        disk.put_gpt({{.number = 1, .first = 100, .last = 199}});
        disk.bytes[at] ^= std::byte{1};
        CHECK(disk.find(1) == DiskRange{100, 100});
        disk.bytes[999 * 512 + 24] ^= std::byte{1};
        CHECK(disk.find(1) == failed(PartitionFault::damaged));
    }
    PartitionedDisk disk(1000);
    disk.put_gpt({{.number = 1, .first = 100, .last = 199}});
    disk.bad_block = 1;
    CHECK(disk.find(1) == DiskRange{100, 100});
    disk.bad_block = 0;
    CHECK(disk.find(1) == failed(PartitionFault::unreadable));
}

TEST_CASE("an entry that cannot be is none, whatever its check sum", "[partition_table]") {
    const auto found = [](std::uint64_t first, std::uint64_t last) {
        PartitionedDisk disk(1000);
        disk.put_gpt({{.number = 1, .first = first, .last = last}});
        return disk.find(1);
    };
    CHECK(found(34, 966) == DiskRange{34, 933});
    for (const auto& [first, last] : {std::pair{33ull, 100ull},
                                      {0ull, 100ull},
                                      {100ull, 967ull},
                                      {100ull, 99ull},
                                      {100ull, ~0ull},
                                      {~0ull, ~0ull},
                                      {999ull, 1000ull}})
        CHECK(found(first, last) == failed(PartitionFault::misplaced));
    // What the header calls usable is no partition's where the table or a header lies.
    PartitionedDisk disk(1000);
    disk.first_usable = 0;
    disk.last_usable = ~0ull;
    for (const auto& [first, last] : {std::pair{1ull, 1ull},
                                      {0ull, 0ull},
                                      {33ull, 40ull},
                                      {500ull, 999ull},
                                      {990ull, 1000ull}}) {
        disk.put_gpt({{.number = 1, .first = first, .last = last}});
        CHECK(disk.find(1) == failed(PartitionFault::misplaced));
    }
}

TEST_CASE("what a header says is bounded", "[partition_table]") {
    PartitionedDisk disk(2000);
    disk.entry_count = 2049;
    disk.put_gpt({});
    CHECK(disk.find(1) == failed(PartitionFault::too_large));
    for (const auto& [count, size] :
         {std::pair{128u, 64u}, {128u, 136u}, {0u, 128u}, {128u, 0u}, {~0u, 1u << 31}}) {
        disk.entry_count = count;
        disk.entry_size = size;
        disk.put_gpt({});
        CHECK(disk.find(1) == failed(PartitionFault::damaged));
    }
    PartitionedDisk small(2);
    small.put_mbr_record(0, 0xee, 1, 1);
    CHECK(small.find(1) == failed(PartitionFault::damaged));
    PartitionedDisk wide(10, 8192);
    CHECK(wide.find(1) == failed(PartitionFault::unreadable));
}
