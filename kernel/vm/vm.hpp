// SPDX-License-Identifier: MIT
// A virtual machine: RAM, G-stage table, devices and vCPU, wired like QEMU's `virt`
// (kernel/vm/guest_map.hpp). It is made once; a reset brings its devices back to power-on and its
// memory is loaded anew by its owner (kernel/manager/). Owned and touched by the hart that runs it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/dev/bus.hpp"
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/plic.hpp"
#include "kernel/dev/syscon.hpp"
#include "kernel/dev/uart16550.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/guest_memory.hpp"
#include "kernel/vm/vcpu.hpp"

namespace cairn {

/// Why a VM does not run any more.
enum class StopReason : std::uint8_t {
    power_off,  ///< the guest turned itself off
    failed,     ///< the guest turned itself off and says that it failed
    reset,      ///< the guest wants to be started again
    killed,     ///< the guest cannot go on; the log says why
};

/// What the guest may be told of the machine below (SBI base extension).
struct MachineIds {
    std::uint64_t vendor = 0;
    std::uint64_t architecture = 0;
    std::uint64_t implementation = 0;
};

class Vm final : public PowerEvents {
  public:
    /// `name` and `memory` outlive the VM; `console` takes what the guest prints.
    Vm(std::string_view name, GuestMemory memory, ByteSink& console, const GuestFeatures& features,
       const MachineIds& ids);
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// Devices as after power-on and no reason to stop.
    void reset_devices();

    /// Ends the VM's run at the next return from the exit handler; the first reason counts.
    void stop(StopReason reason);
    /// Whether the exit handler has more to do than to resume: the VM was stopped, or input waits.
    [[nodiscard]] bool needs_attention() const { return needs_attention_; }
    [[nodiscard]] std::optional<StopReason> stopped() const { return stop_reason_; }

    void power_off(bool failed, std::uint16_t code) override;
    void reset() override { stop(StopReason::reset); }

    /// Whether one more complaint about the guest's behaviour may go to the log: a guest cannot
    /// flood it, not by resets either.
    [[nodiscard]] bool may_complain();

    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] GuestMemory& memory() { return memory_; }
    [[nodiscard]] Bus& bus() { return bus_; }
    [[nodiscard]] Vcpu& vcpu() { return vcpu_; }
    [[nodiscard]] Uart16550& uart() { return uart_; }
    [[nodiscard]] ByteSink& console() { return console_; }
    [[nodiscard]] const GuestFeatures& features() const { return features_; }
    [[nodiscard]] const MachineIds& machine_ids() const { return ids_; }

    /// The host's interrupt that stays claimed because this VM's UART is full of input; 0: none.
    [[nodiscard]] std::uint32_t input_waits_behind() const { return input_waits_behind_; }
    void let_input_wait_behind(std::uint32_t source);

  private:
    void update_attention() { needs_attention_ = stop_reason_ || input_waits_behind_ != 0; }

    static constexpr unsigned complaints_allowed = 16;

    bool needs_attention_ = false;  ///< read on every exit
    std::uint32_t input_waits_behind_ = 0;
    std::string_view name_;
    GuestMemory memory_;
    ByteSink& console_;
    GuestFeatures features_;
    MachineIds ids_;
    Vcpu vcpu_{*this, 0};
    Plic plic_;
    Uart16550 uart_;
    Syscon syscon_{*this};
    Bus bus_;
    std::optional<StopReason> stop_reason_;
    unsigned complaints_ = 0;
};

}  // namespace cairn
