// SPDX-License-Identifier: MIT
// The switches of this machine, by their names, each there from its first port on; and the one that
// the machine's own network is at, if it has any.
//
// Touched under the VM table's lock (kernel/manager/vm_table.hpp), but for the switches themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <cairn/vector.hpp>
#include "kernel/dev/net/virtual_switch.hpp"
#include "kernel/vm/virtio/uplink.hpp"

namespace cairn {

class Networks {
  public:
    /// The switch named `name`, which outlives it; nullptr where there is no memory for it.
    [[nodiscard]] VirtualSwitch* find_or_make(std::string_view name, std::uint64_t tick_rate);
    /// The same, or nullptr where there is none yet.
    [[nodiscard]] VirtualSwitch* find(std::string_view name);

    /// Connects the machine's own network to the switch that VMs know as `uplink`. Once; both
    /// outlive it. False where there is no memory.
    [[nodiscard]] bool add_uplink(HostNet& device, DeviceTasks& tasks, std::uint64_t tick_rate);
    /// nullptr: there is none.
    [[nodiscard]] const Uplink* uplink() const { return uplink_.get(); }
    /// Those that guests are offered at a switch of theirs, or at the uplink.
    [[nodiscard]] std::uint64_t offloads(bool at_uplink) const;

  private:
    struct Named {
        std::string_view name;
        std::unique_ptr<VirtualSwitch> net;
    };
    vector<Named> all_;
    std::unique_ptr<Uplink> uplink_;
};

}  // namespace cairn
