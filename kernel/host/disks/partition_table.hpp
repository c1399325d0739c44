// SPDX-License-Identifier: MIT
// Where a partition of a disk lies, by the table on the disk:
//
//     block 0     MBR: four records; one of type 0xee says that there is a GPT
//     block 1     GPT's header ──► its entries, wherever it says        (primary)
//     last block  a second header ──► a second copy of the entries      (backup)
//
// The backup is used where the primary header or its entries are damaged. Logical partitions of an
// MBR's extended one are not looked for. Everything on the disk is input: what is read is bounded,
// and what cannot be is a fault.
//
// Sources: UEFI Specification 2.10, sections 5.2 "LBA 0 Format" and 5.3 "GUID Partition Table (GPT)
// Disk Layout".
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/host/disks/disk_range.hpp"

namespace cairn {

enum class PartitionFault : std::uint8_t {
    unreadable,  ///< the disk reports an error, or does not answer
    no_memory,   ///< for what is read
    unshared,    ///< the disk has as many users as it can have
    no_table,    ///< neither GPT nor MBR
    damaged,     ///< both copies of a GPT
    too_large,   ///< a GPT of more entries than are read
    missing,     ///< the table has no such partition
    extended,    ///< it holds an MBR's logical partitions
    misplaced,   ///< it is not within the disk, or lies in the table itself
};
/// What is wrong, as a sentence without a full stop.
[[nodiscard]] std::string_view to_string(PartitionFault fault);

/// A disk that a table is read from.
class TableSource {
  public:
    /// In bytes, a power of two of 512 at least.
    [[nodiscard]] virtual std::uint32_t block_size() const = 0;
    [[nodiscard]] virtual std::uint64_t blocks() const = 0;
    /// The blocks from `block` on, all of them on the disk, as many as `to` has room for.
    [[nodiscard]] virtual bool read(std::uint64_t block, std::span<std::byte> to) = 0;

  protected:
    ~TableSource() = default;
};

/// The blocks of partition `number`, counted from 1. `room` is for what is read: whole blocks.
[[nodiscard]] std::expected<DiskRange, PartitionFault> find_partition(TableSource& disk,
                                                                      std::uint32_t number,
                                                                      std::span<std::byte> room);

}  // namespace cairn
