// SPDX-License-Identifier: MIT
// One of the machine's disks as vm.conf and the monitor name it: `host:0` is the first, `host:0/2`
// its second partition.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <cairn/writer.hpp>

namespace cairn {

struct HostDiskName {
    static constexpr std::string_view prefix = "host:";

    std::uint32_t disk = 0;       ///< from 0
    std::uint32_t partition = 0;  ///< from 1; 0: the whole disk

    bool operator==(const HostDiskName&) const = default;

    /// By the names alone: a disk has all of its partitions.
    [[nodiscard]] constexpr bool has_part_of(const HostDiskName& other) const {
        return disk == other.disk &&
               (partition == other.partition || partition == 0 || other.partition == 0);
    }
};

[[nodiscard]] std::optional<HostDiskName> parse_host_disk(std::string_view text);

/// As it is parsed.
void format_value(Writer& out, const HostDiskName& name);

}  // namespace cairn
