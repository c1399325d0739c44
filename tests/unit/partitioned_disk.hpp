// SPDX-License-Identifier: MIT
// A disk with a partition table that a test writes: what it says may be wrong, its check sums are
// right.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "kernel/host/disks/crc32.hpp"
#include "kernel/host/disks/partition_table.hpp"

namespace cairn::test {

class PartitionedDisk final : public TableSource {
  public:
    explicit PartitionedDisk(std::uint64_t blocks, std::uint32_t block_size = 512)
        : bytes(blocks * block_size),
          first_usable(34),
          last_usable(blocks - 34),
          block_size_(block_size) {
        put(510, std::uint16_t{0xaa55});
    }

    std::uint32_t block_size() const override { return block_size_; }
    std::uint64_t blocks() const override { return bytes.size() / block_size_; }
    bool read(std::uint64_t block, std::span<std::byte> to) override {
        if (block > blocks() || to.size() % block_size_ != 0 ||
            to.size() / block_size_ > blocks() - block)
            std::abort();
        if (bad_block == block) return false;
        std::ranges::copy(std::span(bytes).subspan(block * block_size_, to.size()), to.begin());
        return true;
    }
    std::expected<DiskRange, PartitionFault> find(std::uint32_t number) {
        std::vector<std::byte> room(4096);
        return find_partition(*this, number, room);
    }

    template <class T>
    void put(std::uint64_t at, T value) {
        if (at + sizeof value <= bytes.size()) std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    void put_mbr_record(std::size_t n, std::uint8_t type, std::uint32_t first,
                        std::uint32_t count) {
        put(446 + n * 16 + 4, type);
        put(446 + n * 16 + 8, first);
        put(446 + n * 16 + 12, count);
    }

    struct Entry {
        std::uint32_t number;
        std::uint64_t first;
        std::uint64_t last;
    };
    /// Both copies, with 32 blocks for entries each, and the protective MBR.
    void put_gpt(const std::vector<Entry>& entries) {
        put_mbr_record(0, 0xee, 1, ~0u);
        put_copy(1, 2, entries);
        put_copy(blocks() - 1, blocks() - 33, entries);
    }

    std::vector<std::byte> bytes;
    std::optional<std::uint64_t> bad_block;
    std::uint64_t first_usable;
    std::uint64_t last_usable;
    std::uint32_t entry_count = 128;
    std::uint32_t entry_size = 128;

  private:
    void put_copy(std::uint64_t header, std::uint64_t table, const std::vector<Entry>& entries) {
        const std::uint64_t at = table * block_size_;
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 128 * 128, std::byte{0});
        for (const Entry& entry : entries) {
            const std::uint64_t entry_at = at + (entry.number - 1) * 128ull;
            put(entry_at, std::uint64_t{1});
            put(entry_at + 32, entry.first);
            put(entry_at + 40, entry.last);
        }
        put_header(header * block_size_, header, table);
    }
    void put_header(std::uint64_t at, std::uint64_t header, std::uint64_t table) {
        std::memcpy(bytes.data() + at, "EFI PART", 8);
        put(at + 8, std::uint32_t{0x10000});
        put(at + 12, std::uint32_t{92});
        put(at + 16, std::uint32_t{0});
        put(at + 24, header);
        put(at + 40, first_usable);
        put(at + 48, last_usable);
        put(at + 72, table);
        put(at + 80, entry_count);
        put(at + 84, entry_size);
        put(at + 88, crc(table * block_size_,
                         std::min<std::uint64_t>(16384, std::uint64_t{entry_count} * entry_size)));
        put(at + 16, crc(at, 92));
    }
    std::uint32_t crc(std::uint64_t at, std::uint64_t size) {
        Crc32 crc;
        crc.add(std::span(bytes).subspan(at, size));
        return crc.value();
    }

    std::uint32_t block_size_;
};

}  // namespace cairn::test
