// SPDX-License-Identifier: MIT
// A virtual machine: RAM, G-stage table, devices and vCPUs, wired like QEMU's `virt`
// (kernel/vm/guest_map.hpp). It is made once; a reset brings its devices back to power-on and its
// memory is loaded anew by its owner (kernel/manager/). The harts of its vCPUs share it: bus and
// devices under `device_lock`, all else atomic or behind a lock of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/syscon.hpp"
#include "kernel/vm/debug_control.hpp"
#include "kernel/vm/device_lock.hpp"
#include "kernel/vm/exits/exit_counts.hpp"
#include "kernel/vm/guest_devices.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/memory/guest_memory.hpp"
#include "kernel/vm/memory/vmid.hpp"
#include "kernel/vm/presence.hpp"
#include "kernel/vm/vcpu/hart_states.hpp"
#include "kernel/vm/vcpu/vcpu.hpp"
#include "kernel/vm/vcpu/vcpu_room.hpp"

namespace cairn {

/// Why a VM does not run any more.
enum class StopReason : std::uint8_t {
    power_off,     ///< the guest turned itself off
    failed,        ///< the guest turned itself off and says that it failed
    reset,         ///< the guest wants to be started again
    killed,        ///< the guest cannot go on; the log says why
    unplugged,     ///< whoever rules the machine turned it off
    failed_reset,  ///< the guest wants to be started again, and says that it failed
};
/// Whether the VM is said to have failed; what follows is its vm.conf's to say (on-crash).
[[nodiscard]] constexpr bool is_crash(StopReason reason) {
    return reason == StopReason::failed || reason == StopReason::killed ||
           reason == StopReason::failed_reset;
}

/// What the guest may be told of the machine below (SBI base extension).
struct MachineIds {
    std::uint64_t vendor = 0;
    std::uint64_t architecture = 0;
    std::uint64_t implementation = 0;
};

class Vm final : public PowerEvents, public InputReceiver {
  public:
    static constexpr std::uint32_t max_cpus = HartStates::max_harts;

    /// What is borrowed outlives the VM, but for the `options`, which end before it when no
    /// vCPU runs. `room` is for 1 to max_cpus vCPUs.
    Vm(std::string_view name, GuestMemory memory, const GuestConsole& console,
       const GuestFeatures& features, const MachineIds& ids, VcpuRoom room,
       const GuestOptions& options = {});
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    /// Whether its devices have let go of its memory (MmioDevice::lets_go). No vCPU runs.
    [[nodiscard]] bool devices_let_go();
    /// Devices, which have let go, as after power-on and no reason to stop. No vCPU runs. It stays
    /// paused if it is.
    void reset_devices();

    /// Ends the VM's run: each vCPU leaves the guest, and those that are in it are interrupted. The
    /// first reason counts.
    void stop(StopReason reason);
    [[nodiscard]] std::optional<StopReason> stopped() const;

    /// Has its vCPUs leave the guest and sleep until `resume`. What the guest sees of `time`, which
    /// is the host's here, stands still meanwhile: from the last `note_pause` on, which follows
    /// this with a `time` that is read in between.
    void pause();
    /// False where some vCPU has not left yet.
    [[nodiscard]] bool resume(std::uint64_t time);
    [[nodiscard]] bool is_paused() const { return presence_.is_paused(); }
    /// While the VM is paused a vCPU is about to be put away, or none lies in a hart.
    void note_pause(std::uint64_t time) { presence_.note(time); }
    /// The host's `time` less the guest's.
    [[nodiscard]] std::uint64_t time_lag() const { return presence_.lag(); }

    [[nodiscard]] DebugControl& debugging() { return debugging_; }
    /// Any vCPU may run again where one ran alone.
    void run_all() {
        debugging_.run_alone(std::nullopt);
        interrupt_all();
    }

    void power_off(bool failed, std::uint16_t code) override;
    void reset() override { stop(StopReason::reset); }

    /// Whether one more complaint about the guest's behaviour may go to the log: a guest cannot
    /// flood it, not by resets either.
    [[nodiscard]] bool may_complain();
    /// How many might not.
    [[nodiscard]] std::uint64_t hidden_complaints() const {
        const std::uint64_t all = complaints_.load(std::memory_order_relaxed);
        return all - std::min(all, complaints_allowed);
    }

    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] GuestMemory& memory() { return memory_; }
    [[nodiscard]] GuestDevices& devices() { return devices_; }
    [[nodiscard]] Bus& bus() { return devices_.bus(); }
    [[nodiscard]] std::uint32_t cpus() const { return harts_.count(); }
    [[nodiscard]] Vcpu& vcpu(std::uint32_t hart = 0) { return vcpus_[hart]; }
    [[nodiscard]] HartStates& harts() { return harts_; }
    /// Guards bus and devices. Nobody waits for another vCPU while holding it.
    [[nodiscard]] DeviceLock& device_lock() { return device_lock_; }
    [[nodiscard]] Uart16550& uart() { return devices_.uart(); }
    [[nodiscard]] ByteSink& console() { return console_; }
    [[nodiscard]] const GuestFeatures& features() const { return features_; }
    [[nodiscard]] const MachineIds& machine_ids() const { return ids_; }

    /// Where exits of vCPUs that are watched are counted; nullptr: nowhere. Said once, before the
    /// first of them is; `counts` outlives the VM.
    void count_exits_in(ExitCounts& counts) {
        exit_counts_.store(&counts, std::memory_order_release);
    }
    [[nodiscard]] ExitCounts* exit_counts() const {
        return exit_counts_.load(std::memory_order_acquire);
    }

    /// The value of `hgatp` for the harts that run its vCPUs, and the VMID in it.
    void use_translation(std::uint64_t hgatp, const Vmid& vmid) {
        hgatp_ = hgatp;
        vmid_ = vmid;
    }
    [[nodiscard]] std::uint64_t hgatp() const { return hgatp_; }
    [[nodiscard]] const Vmid& vmid() const { return vmid_; }

    /// The console has something for the guest, or room for its output; on any hart.
    void input_arrived() override;
    /// From within a write of the UART.
    void output_stops() override { uart().output_stops(); }
    /// The same of its clock: an alarm may be due.
    void alarm_is_due() { input_arrived(); }
    /// The oldest character that was typed and not read, for a guest that asks by SBI. Its device
    /// lock is held.
    [[nodiscard]] std::optional<std::byte> take_typed();
    /// The devices take it, where the VM's hart is at its devices or nobody is; else soon.
    void take_input();

    /// Which vCPUs lie in a hart of the machine: bit n for vCPU n. Whoever has stored something and
    /// then sees a vCPU away need not have it fence: it forgets everything when it is loaded.
    [[nodiscard]] FenceMail::Set loaded() const { return presence_.loaded(); }
    /// Returns the time lag, which does not change until the vCPU is away again.
    std::uint64_t mark_loaded(std::uint32_t vcpu) { return presence_.arrive(vcpu); }
    void mark_away(std::uint32_t vcpu) { presence_.leave(vcpu); }

  private:
    static constexpr std::uint64_t complaints_allowed = 16;
    static constexpr std::uint8_t not_stopped = 0xff;

    std::string_view name_;
    GuestMemory memory_;
    ByteSink& console_;
    GuestFeatures features_;
    MachineIds ids_;
    std::uint64_t hgatp_ = 0;
    Vmid vmid_;
    std::atomic<ExitCounts*> exit_counts_ = nullptr;
    HartStates harts_;
    VcpuRoom::Row<Vcpu> vcpus_;
    VcpuRoom::Row<IpiRoute> ipi_routes_;
    DeviceLock device_lock_;
    GuestClock* clock_;
    GuestVirtioConsole* virtio_console_;
    GuestDevices devices_;
    void interrupt_all();

    Presence<> presence_;
    DebugControl debugging_;
    std::atomic<std::uint8_t> stop_reason_ = not_stopped;
    std::atomic<std::uint64_t> complaints_ = 0;
};

// What a VM takes of the hypervisor's memory, besides its page tables: half of a vCPU are its
// recent accesses; its performance counters and the head of its trace come on top.
static_assert(sizeof(Vm) < 16 << 10);
static_assert(sizeof(Vcpu) - sizeof(VcpuPmu) - sizeof(ExitTrace) + sizeof(IpiRoute) <= 2 << 10);

}  // namespace cairn
