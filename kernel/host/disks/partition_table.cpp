// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/disks/partition_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "kernel/host/disks/crc32.hpp"

namespace cairn {
namespace {

using Found = std::expected<DiskRange, PartitionFault>;

static_assert(std::endian::native == std::endian::little, "tables are little-endian");

/// Section 5.2.1: a record of an MBR.
struct MbrRecord {
    std::uint8_t status;
    std::array<std::uint8_t, 3> first_chs;
    std::uint8_t type;
    std::array<std::uint8_t, 3> last_chs;
    std::array<std::uint16_t, 2> first;  ///< by halves, for records lie at odd halves of words
    std::array<std::uint16_t, 2> count;
};
static_assert(sizeof(MbrRecord) == 16);
constexpr std::size_t mbr_records_at = 446;
constexpr std::size_t mbr_records = 4;
constexpr std::size_t mbr_signature_at = 510;
constexpr std::uint16_t mbr_signature = 0xaa55;
constexpr std::uint8_t mbr_active = 0x80;
constexpr std::uint8_t of_gpt = 0xee;
constexpr std::array<std::uint8_t, 3> extended_types{0x05, 0x0f, 0x85};

/// Section 5.3.2: a GPT's header.
struct GptHeader {
    std::array<char, 8> signature;
    std::uint32_t revision;
    std::uint32_t size;
    std::uint32_t crc;
    std::uint32_t reserved;
    std::uint64_t my_block;
    std::uint64_t other_block;
    std::uint64_t first_usable;
    std::uint64_t last_usable;
    std::array<std::uint8_t, 16> disk_guid;
    std::uint64_t entries_at;
    std::uint32_t entry_count;
    std::uint32_t entry_size;
    std::uint32_t entries_crc;
};
constexpr std::size_t gpt_header_size = 92;
static_assert(offsetof(GptHeader, entries_crc) + sizeof(GptHeader::entries_crc) == gpt_header_size);
constexpr std::string_view gpt_signature = "EFI PART";

/// Section 5.3.3: an entry, as far as it says where a partition is.
struct GptEntry {
    std::array<std::uint64_t, 2> type;  ///< zeroes: the entry is not used
    std::array<std::uint64_t, 2> guid;
    std::uint64_t first;
    std::uint64_t last;
};
constexpr std::uint32_t gpt_entry_size = 128;  ///< at least, and a power of two more
/// The usual table has 16 KiB.
constexpr std::uint64_t most_table_bytes = 256 << 10;

template <class T>
T load(std::span<const std::byte> bytes, std::size_t at) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::uint32_t word(std::array<std::uint16_t, 2> halves) {
    return halves[0] | std::uint32_t{halves[1]} << 16;
}

/// A range that `disk` has, but for its first block, which holds the table.
Found on_disk(const TableSource& disk, std::uint64_t first, std::uint64_t count) {
    const DiskRange all{0, disk.blocks()};
    if (first == 0 || count == 0 || !all.holds(first, count))
        return std::unexpected(PartitionFault::misplaced);
    return DiskRange{first, count};
}

/// One of the two copies of a GPT.
class Gpt {
  public:
    Gpt(TableSource& disk, std::span<std::byte> room) : disk_(disk), room_(room) {}

    /// The partition by the copy whose header is at `block`.
    Found find(std::uint64_t block, std::uint32_t number) {
        if (!disk_.read(block, room_.first(disk_.block_size())))
            return std::unexpected(PartitionFault::unreadable);
        header_ = load<GptHeader>(room_, 0);
        if (!is_header(block)) return std::unexpected(PartitionFault::damaged);
        if (table_bytes() > most_table_bytes) return std::unexpected(PartitionFault::too_large);
        return read_entries(number);
    }

  private:
    [[nodiscard]] std::uint64_t table_bytes() const {
        return std::uint64_t{header_.entry_count} * header_.entry_size;
    }
    [[nodiscard]] std::uint64_t table_blocks() const {
        return (table_bytes() + disk_.block_size() - 1) / disk_.block_size();
    }

    /// `room_` has the block.
    [[nodiscard]] bool is_header(std::uint64_t block) const {
        const std::string_view signature(header_.signature.data(), header_.signature.size());
        if (signature != gpt_signature || header_.my_block != block) return false;
        if (header_.size < gpt_header_size || header_.size > disk_.block_size()) return false;
        Crc32 crc;
        constexpr std::array<std::byte, sizeof(header_.crc)> zeroes{};
        crc.add(room_.first(offsetof(GptHeader, crc)));
        crc.add(zeroes);
        crc.add(room_.first(header_.size).subspan(offsetof(GptHeader, reserved)));
        if (crc.value() != header_.crc) return false;
        return std::has_single_bit(header_.entry_size) && header_.entry_size >= gpt_entry_size &&
               header_.entry_count != 0 && header_.first_usable <= header_.last_usable &&
               DiskRange{0, disk_.blocks()}.holds(header_.entries_at, table_blocks());
    }

    /// All of them, for their check sum.
    Found read_entries(std::uint32_t number) {
        Crc32 crc;
        GptEntry entry{};
        const std::uint64_t wanted = std::uint64_t{number - 1} * header_.entry_size;
        const std::uint64_t bytes = table_bytes();
        for (std::uint64_t at = 0; at < bytes; at += room_.size()) {
            const std::uint64_t size = std::min<std::uint64_t>(room_.size(), bytes - at);
            const std::uint64_t whole =
                (size + disk_.block_size() - 1) / disk_.block_size() * disk_.block_size();
            if (!disk_.read(header_.entries_at + at / disk_.block_size(), room_.first(whole)))
                return std::unexpected(PartitionFault::unreadable);
            crc.add(room_.first(size));
            if (wanted >= at && wanted < at + size) entry = load<GptEntry>(room_, wanted - at);
        }
        if (crc.value() != header_.entries_crc) return std::unexpected(PartitionFault::damaged);
        if (number == 0 || number > header_.entry_count)
            return std::unexpected(PartitionFault::missing);
        return check(entry);
    }

    [[nodiscard]] Found check(const GptEntry& entry) const {
        if (entry.type == std::array<std::uint64_t, 2>{})
            return std::unexpected(PartitionFault::missing);
        const bool is_usable = entry.first >= header_.first_usable && entry.first <= entry.last &&
                               entry.last <= header_.last_usable;
        if (!is_usable || entry.last >= disk_.blocks())
            return std::unexpected(PartitionFault::misplaced);
        const DiskRange range{entry.first, entry.last - entry.first + 1};
        const std::array kept{DiskRange{0, 2}, DiskRange{disk_.blocks() - 1, 1},
                              DiskRange{header_.entries_at, table_blocks()}};
        const bool is_table =
            std::ranges::any_of(kept, [&](const DiskRange& each) { return range.overlaps(each); });
        if (is_table) return std::unexpected(PartitionFault::misplaced);
        return range;
    }

    TableSource& disk_;
    std::span<std::byte> room_;
    GptHeader header_{};
};

Found find_in_gpt(TableSource& disk, std::uint32_t number, std::span<std::byte> room) {
    constexpr std::uint64_t least_blocks = 3;
    if (disk.blocks() < least_blocks) return std::unexpected(PartitionFault::damaged);
    const Found primary = Gpt(disk, room).find(1, number);
    const bool is_damaged = !primary && (primary.error() == PartitionFault::damaged ||
                                         primary.error() == PartitionFault::unreadable);
    return is_damaged ? Gpt(disk, room).find(disk.blocks() - 1, number) : primary;
}

Found find_in_mbr(const TableSource& disk, const MbrRecord& record) {
    if (record.type == 0) return std::unexpected(PartitionFault::missing);
    if (std::ranges::find(extended_types, record.type) != extended_types.end())
        return std::unexpected(PartitionFault::extended);
    return on_disk(disk, word(record.first), word(record.count));
}

}  // namespace

std::string_view to_string(PartitionFault fault) {
    switch (fault) {
        case PartitionFault::unreadable: return "the disk's partition table cannot be read";
        case PartitionFault::no_memory:
            return "the heap has no room to read the disk's partition table";
        case PartitionFault::unshared: return "the disk has as many users as it can have";
        case PartitionFault::no_table:
            return "the disk has no partition table, neither GPT nor MBR";
        case PartitionFault::damaged: return "the disk's GPT is damaged, and so is its backup";
        case PartitionFault::too_large: return "the disk's GPT has more than 256 KiB of entries";
        case PartitionFault::missing: return "the disk has no such partition";
        case PartitionFault::extended:
            return "that is an extended partition, whose logical ones are not looked for";
        case PartitionFault::misplaced:
            return "the partition is not on the disk, or lies in the partition table";
    }
    std::unreachable();
}

/// Section 5.2.3: a record of type 0xee is a GPT's, whatever other records there are. A boot sector
/// of a file system has the signature as well, and anything in place of the records.
Found find_partition(TableSource& disk, std::uint32_t number, std::span<std::byte> room) {
    const bool is_read = disk.blocks() != 0 && disk.block_size() <= room.size() &&
                         disk.read(0, room.first(disk.block_size()));
    if (!is_read) return std::unexpected(PartitionFault::unreadable);
    if (load<std::uint16_t>(room, mbr_signature_at) != mbr_signature)
        return std::unexpected(PartitionFault::no_table);
    const auto records = load<std::array<MbrRecord, mbr_records>>(room, mbr_records_at);
    const bool are_records = std::ranges::all_of(
        records, [](const MbrRecord& record) { return (record.status & ~mbr_active) == 0; });
    if (!are_records) return std::unexpected(PartitionFault::no_table);
    if (std::ranges::find(records, of_gpt, &MbrRecord::type) != records.end())
        return find_in_gpt(disk, number, room);
    if (number == 0 || number > records.size()) return std::unexpected(PartitionFault::missing);
    return find_in_mbr(disk, records[number - 1]);
}

}  // namespace cairn
