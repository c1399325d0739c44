// SPDX-License-Identifier: MIT
#include "kernel/dev/goldfish_rtc.hpp"

#include "kernel/dev/words.hpp"

namespace cairn {

std::expected<std::uint64_t, BusError> GoldfishRtc::read(std::uint64_t offset, AccessWidth width) {
    if (width != AccessWidth::word) return std::unexpected(BusError::width);
    return read_register(static_cast<Register>(offset));
}

std::expected<void, BusError> GoldfishRtc::write(std::uint64_t offset, AccessWidth width,
                                                 std::uint64_t value) {
    if (width != AccessWidth::word) return std::unexpected(BusError::width);
    write_register(static_cast<Register>(offset), static_cast<std::uint32_t>(value));
    return {};
}

std::uint32_t GoldfishRtc::read_register(Register which) {
    switch (which) {
        case Register::time_low: {
            const std::uint64_t time = now();
            time_high_ = high_word(time);
            return low_word(time);
        }
        case Register::time_high: return time_high_;
        case Register::alarm_low: return low_word(alarm_);
        case Register::alarm_high: return high_word(alarm_);
        case Register::irq_enabled: return is_enabled_ ? 1 : 0;
        case Register::alarm_status: return has_alarm_ ? 1 : 0;
        case Register::clear_alarm:
        case Register::clear_interrupt: break;
    }
    return 0;
}

void GoldfishRtc::write_register(Register which, std::uint32_t value) {
    switch (which) {
        case Register::time_low:
        case Register::time_high: {
            const std::uint64_t before = now();
            std::uint64_t after = before;
            which == Register::time_low ? set_low_word(after, value) : set_high_word(after, value);
            offset_ += after - before;
            return look();
        }
        case Register::alarm_low:
            set_low_word(alarm_, value);
            has_alarm_ = true;
            return look();
        case Register::alarm_high: return set_high_word(alarm_, value);
        case Register::irq_enabled: is_enabled_ = (value & 1) != 0; return drive_line();
        case Register::clear_alarm: has_alarm_ = false; return;
        case Register::clear_interrupt: is_pending_ = false; return drive_line();
        case Register::alarm_status: return;
    }
}

void GoldfishRtc::look() {
    if (!has_alarm_) return;
    const std::uint64_t time = now();
    if (alarm_ > time) return owner_.look_in(alarm_ - time);
    has_alarm_ = false;
    is_pending_ = true;
    drive_line();
}

void GoldfishRtc::drive_line() {
    line_->set(is_pending_ && is_enabled_);
}

void GoldfishRtc::reset() {
    alarm_ = time_high_ = 0;
    has_alarm_ = is_enabled_ = is_pending_ = false;
    drive_line();
}

}  // namespace cairn
