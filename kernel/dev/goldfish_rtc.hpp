// SPDX-License-Identifier: MIT
// The real-time clock of QEMU's `virt`, a goldfish RTC: the time in nanoseconds, which the guest
// may set for itself, and one alarm with an interrupt.
//
// Behaviour: the sources of goldfish_rtc_registers.hpp, and QEMU's hw/rtc/goldfish_rtc.c as seen
// from outside. Accesses of 32 bits, as there. What a guest has set outlives its reset, as it
// would in a clock with a battery. No locking: who calls holds the VM's device lock.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/arch/devices/goldfish_rtc_registers.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/mmio_device.hpp"
#include "kernel/dev/wall_clock.hpp"

namespace cairn {

class GoldfishRtc final : public MmioDevice {
  public:
    static constexpr DeviceKind kind{
        .name = "clock", .node = "rtc", .compatible = {"google,goldfish-rtc"}};

    /// Both outlive it.
    GoldfishRtc(WallClock& clock, AlarmOwner& owner) : clock_(clock), owner_(owner) {}
    GoldfishRtc(const GoldfishRtc&) = delete;
    GoldfishRtc& operator=(const GoldfishRtc&) = delete;

    /// Where its interrupt goes; outlives it, and is said before its guest can reach it.
    void connect(InterruptLine& line) { line_ = &line; }

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;
    /// No alarm, no interrupt; the time goes on.
    void reset() override;

    /// Lets the alarm off if its time has come; else has itself looked at again.
    void look();

  private:
    using Register = goldfish_rtc::Register;

    [[nodiscard]] std::uint64_t now() { return clock_.now() + offset_; }
    [[nodiscard]] std::uint32_t read_register(Register which);
    void write_register(Register which, std::uint32_t value);
    void drive_line();

    WallClock& clock_;
    AlarmOwner& owner_;
    InterruptLine* line_ = nullptr;
    std::uint64_t offset_ = 0;  ///< the guest's time less the machine's
    std::uint64_t alarm_ = 0;   ///< in the guest's time
    std::uint32_t time_high_ = 0;
    bool has_alarm_ = false;
    bool is_enabled_ = false;
    bool is_pending_ = false;
};

}  // namespace cairn
