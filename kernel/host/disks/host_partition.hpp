// SPDX-License-Identifier: MIT
// Where a partition of one of the machine's disks lies: the table is read from it, by a user of its
// own beside those that have partitions already.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/host/disks/host_disk.hpp"
#include "kernel/host/disks/partition_table.hpp"

namespace cairn {

/// The sectors of partition `number`, counted from 1; of number 0 all of the disk's. Waits for the
/// disk, ten seconds for each piece of the table; one that does not answer by then is left alone.
[[nodiscard]] std::expected<DiskRange, PartitionFault> find_host_partition(
    HostDisk& disk, std::uint32_t number, std::uint64_t timebase_hz);

}  // namespace cairn
