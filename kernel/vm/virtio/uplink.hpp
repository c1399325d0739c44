// SPDX-License-Identifier: MIT
// The machine's own network, as a port of a switch: what nobody at the switch has lies there.
//
//     guest's port ──► take ── copied ──► HostNet ──► outside
//     outside ──► HostNet ── interrupt ──► DeviceTasks ── work ──► switch ── copied ──► its port
//
// What is sent is copied into buffers of its own, so that no guest and no reset of one waits for
// the machine's device. What comes from outside never waits for a guest: nobody's frames come later
// because another has no room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/dev/net/virtual_switch.hpp"
#include "kernel/host/virtio/host_net.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"

namespace cairn {

class Uplink final : public DeviceTask, private FrameSink, public SwitchPort, private HostNetOwner {
  public:
    /// All outlive it.
    Uplink(HostNet& device, VirtualSwitch& net, DeviceTasks& tasks);
    Uplink(const Uplink&) = delete;
    Uplink& operator=(const Uplink&) = delete;

    /// It does so as long as the machine runs.
    [[nodiscard]] bool connect();

    [[nodiscard]] bool work() override;

    // On any hart:
    [[nodiscard]] VirtualSwitch::Report report() const { return switch_.report_of(*this); }
    /// Frames from outside that are none.
    [[nodiscard]] std::uint64_t malformed() const { return device_.dropped(); }

  private:
    static constexpr std::size_t most_in_flight = 32;
    /// Of frames from outside, in a turn.
    static constexpr std::uint32_t copies_of_turn = 32;
    struct Buffer {
        std::array<std::byte, virtio_net::ethernet_frame_size> bytes;
    };

    [[nodiscard]] Taken take(const NetFrame& frame) override;
    void send_again() override {}
    void wants_turn() override;
    [[nodiscard]] bool take_back_sent();

    HostNet& device_;
    VirtualSwitch& switch_;
    DeviceTasks& tasks_;
    Spinlock lock_;
    std::array<Buffer, most_in_flight> buffers_ CAIRN_GUARDED_BY(lock_);
    static_vector<Buffer*, most_in_flight> free_ CAIRN_GUARDED_BY(lock_);
    bool is_starved_ CAIRN_GUARDED_BY(lock_) = false;  ///< a sender has found no room
};

}  // namespace cairn
