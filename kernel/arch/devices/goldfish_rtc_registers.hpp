// SPDX-License-Identifier: MIT
// The registers of Google's goldfish real-time clock, for the emulated device and for the driver.
// All are 32 bits wide. Time is nanoseconds since 1970-01-01T00:00:00Z.
//
// Sources: Android's GOLDFISH-VIRTUAL-HARDWARE.TXT, section VII "Goldfish timer", and QEMU's
// include/hw/rtc/goldfish_rtc.h, whose names these are.
#pragma once

#include <cstdint>

namespace cairn::goldfish_rtc {

// X(name, offset in bytes, title)
#define CAIRN_GOLDFISH_RTC_REGISTERS(X)                                           \
    X(time_low, 0x00, "low word of the time; a read keeps the high one for next") \
    X(time_high, 0x04, "high word of the time, as of the last read of the low")   \
    X(alarm_low, 0x08, "low word of the alarm; a write sets it")                  \
    X(alarm_high, 0x0c, "high word of the alarm, for the next write of the low")  \
    X(irq_enabled, 0x10, "whether the alarm interrupts")                          \
    X(clear_alarm, 0x14, "a write takes the alarm back")                          \
    X(alarm_status, 0x18, "whether an alarm is set")                              \
    X(clear_interrupt, 0x1c, "a write ends the interrupt")

enum class Register : std::uint16_t {
#define CAIRN_ROW(name, number, title) name = (number),
    CAIRN_GOLDFISH_RTC_REGISTERS(CAIRN_ROW)
#undef CAIRN_ROW
};

/// Bytes of all registers.
inline constexpr std::uint64_t register_bytes = 0x20;

}  // namespace cairn::goldfish_rtc
