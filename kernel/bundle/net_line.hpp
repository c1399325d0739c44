// SPDX-License-Identifier: MIT
// A network interface as a line of vm.conf describes it:
//
//     net = switch:NAME[,OPTION]...      a switch between VMs, which is there as soon as one has it
//     net = uplink[,OPTION]...           the machine's own network
//
// with the options `isolated`, `rate=SIZE` and `mac=52:54:00:12:34:56`.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "kernel/arch/mac_address.hpp"

namespace cairn {

/// The machine's own network, as a line names it.
inline constexpr std::string_view uplink_name = "uplink";

struct NetLine {
    std::string_view wire;          ///< as written: "uplink", or "switch:" and a name
    bool is_uplink = false;         ///< the machine's own network
    bool is_isolated = false;       ///< it and others that are do not see each other
    std::uint64_t rate = 0;         ///< bytes a second that it may send; 0: any
    std::optional<MacAddress> mac;  /// else one is made of the VM's name
    std::uint32_t line = 0;         ///< of vm.conf, from 1
};

enum class NetLineFault : std::uint8_t {
    no_wire,      ///< neither `uplink` nor `switch:` and a name of letters, digits, '-', '_'
    bad_option,   ///< none of the options
    bad_rate,     ///< no size of a KiB at least
    bad_address,  ///< not six bytes, or a group's
    repeated,     ///< an option that there is already
};
struct NetLineError {
    NetLineFault fault;
    std::string_view part;  ///< of the value
};

[[nodiscard]] std::expected<NetLine, NetLineError> parse_net_line(std::string_view value);

}  // namespace cairn
