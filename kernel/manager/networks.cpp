// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/networks.hpp"

#include <algorithm>

#include <cairn/unique_ptr.hpp>
#include "kernel/bundle/net_line.hpp"
#include "kernel/dev/net/offload_set.hpp"

namespace cairn {

VirtualSwitch* Networks::find(std::string_view name) {
    const auto found = std::ranges::find(all_, name, &Named::name);
    return found == all_.end() ? nullptr : found->net.get();
}

VirtualSwitch* Networks::find_or_make(std::string_view name, std::uint64_t tick_rate) {
    if (VirtualSwitch* const known = find(name)) return known;
    auto made = try_make_unique<VirtualSwitch>(tick_rate);
    if (!made || !all_.try_push_back({name, std::move(made)})) return nullptr;
    return all_.back().net.get();
}

bool Networks::add_uplink(HostNet& device, DeviceTasks& tasks, std::uint64_t tick_rate) {
    VirtualSwitch* const net = find_or_make(uplink_name, tick_rate);
    if (net == nullptr) return false;
    uplink_ = try_make_unique<Uplink>(device, *net, tasks);
    return uplink_ && uplink_->connect();
}

/// What the machine's device has not, nobody does for it: guests do it themselves, as elsewhere.
std::uint64_t Networks::offloads(bool at_uplink) const {
    if (!at_uplink) return OffloadSet::all_features;
    return uplink_ ? uplink_->offloads() : 0;
}

}  // namespace cairn
