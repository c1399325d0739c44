// SPDX-License-Identifier: MIT
// Compiled: small, for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/drivers/rtc_driver.hpp"

#include "kernel/arch/devices/goldfish_rtc_registers.hpp"
#include "kernel/arch/start/guarded_call.hpp"

namespace cairn {
namespace {

using goldfish_rtc::Register;

class GoldfishDriver final : public HostRtc {
  public:
    void use(std::uint64_t base) { base_ = base; }
    /// The low word first: that keeps the high one of the same moment.
    [[nodiscard]] std::uint64_t read() override {
        const std::uint64_t low = at(Register::time_low);
        return std::uint64_t{at(Register::time_high)} << 32 | low;
    }

  private:
    [[nodiscard]] std::uint32_t at(Register which) const {
        return *reinterpret_cast<const volatile std::uint32_t*>(base_ +
                                                                static_cast<std::uint64_t>(which));
    }
    std::uint64_t base_ = 0;
};
constinit GoldfishDriver driver;

}  // namespace

HostRtc* start_rtc(const MachineDevice& device) {
    driver.use(device.registers.base.value);
    std::uint64_t time = 0;
    return completes([&] { time = driver.read(); }) && time != 0 ? &driver : nullptr;
}

}  // namespace cairn
