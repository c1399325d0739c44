// SPDX-License-Identifier: MIT
// A VM's real-time clock: the device that the guest sees, over the machine's clock, and its alarm,
// which a hart looks for between guests when its time has come. It looks as well for what the VM's
// console has, where its devices were busy when that came.
//
//     guest ──► GoldfishRtc ── look_in ──► DeviceTasks ── work ──► Vm::alarm_is_due ──► look
//     console ──► Vm::take_input ── look_soon ──► │
//
// It ends before its VM does. The device is the VM's device lock's.
#pragma once

#include <cstdint>

#include "kernel/dev/goldfish_rtc.hpp"
#include "kernel/host/drivers/host_clock.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"

namespace cairn {

class Vm;

class GuestClock final : public DeviceTask, private WallClock, private AlarmOwner {
  public:
    /// Both outlive it. `time` has so many ticks a second.
    GuestClock(HostClock& clock, DeviceTasks& tasks, std::uint64_t ticks_per_second)
        : clock_(clock), tasks_(tasks), ticks_per_second_(ticks_per_second) {}
    GuestClock(const GuestClock&) = delete;
    GuestClock& operator=(const GuestClock&) = delete;
    ~GuestClock() { tasks_.forget(*this); }

    /// Whose it is: said once, when the VM is made of it, before its guest runs.
    void serve(Vm& vm) { vm_ = &vm; }
    [[nodiscard]] GoldfishRtc& device() { return device_; }

    /// Has a hart look for it and for input between guests; any hart says so.
    void look_soon();

    [[nodiscard]] bool work() override;

  private:
    [[nodiscard]] std::uint64_t now() override { return clock_.now(); }
    void look_in(std::uint64_t nanoseconds) override;

    HostClock& clock_;
    DeviceTasks& tasks_;
    std::uint64_t ticks_per_second_;
    Vm* vm_ = nullptr;
    GoldfishRtc device_{*this, *this};
};

}  // namespace cairn
