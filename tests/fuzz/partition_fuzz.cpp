// SPDX-License-Identifier: MIT
// A disk with any partition table on it, mostly one whose check sums are right: nothing beyond the
// disk is read, little is read, and a partition that is found lies on the disk, without its table.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <cairn/panic.hpp>
#include "kernel/host/disks/partition_table.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/partitioned_disk.hpp"

using namespace cairn;

namespace {

/// Counts what is read of another, which itself ends the program where that is not on the disk.
class CountedDisk final : public TableSource {
  public:
    explicit CountedDisk(test::PartitionedDisk& disk) : disk_(disk) {}
    std::uint32_t block_size() const override { return disk_.block_size(); }
    std::uint64_t blocks() const override { return disk_.blocks(); }
    bool read(std::uint64_t block, std::span<std::byte> to) override {
        bytes += to.size();
        return disk_.read(block, to);
    }
    std::uint64_t bytes = 0;

  private:
    test::PartitionedDisk& disk_;
};

void change(test::PartitionedDisk& disk, FuzzInput& input) {
    const std::uint64_t at = input.below(disk.bytes.size());
    disk.bytes[at] = static_cast<std::byte>(input.take(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    test::PartitionedDisk disk(80 + input.below(256), input.take(1) % 4 == 0 ? 4096 : 512);
    disk.first_usable = input.take(1) % 2 == 0 ? 34 : input.number();
    disk.last_usable = input.take(1) % 2 == 0 ? disk.blocks() - 34 : input.number();
    if (input.take(1) % 4 == 0) disk.entry_count = static_cast<std::uint32_t>(input.number());
    if (input.take(1) % 4 == 0) disk.entry_size = static_cast<std::uint32_t>(input.number());
    for (std::size_t n = 0; n < 4; ++n)
        disk.put_mbr_record(n, static_cast<std::uint8_t>(input.take(1)),
                            static_cast<std::uint32_t>(input.number()),
                            static_cast<std::uint32_t>(input.number()));
    const auto number = static_cast<std::uint32_t>(1 + input.take(1) % 8);
    if (input.take(1) % 4 != 0) disk.put_gpt({{number, input.number(), input.number()}});
    if (input.take(1) % 8 == 0) disk.bad_block = input.take(1);
    while (!input.empty())
        change(disk, input);
    std::vector<std::byte> room(4096);
    CountedDisk counted(disk);
    const auto found = find_partition(counted, number, room);
    require(counted.bytes <= (600 << 10), "little is read");
    if (!found) {
        require(!to_string(found.error()).empty(), "a fault has a sentence");
        return 0;
    }
    require(found->first != 0 && found->count != 0, "it is not the table's first block");
    require(found->first < disk.blocks() && found->count <= disk.blocks() - found->first,
            "it lies on the disk");
    return 0;
}
