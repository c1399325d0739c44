// SPDX-License-Identifier: MIT
// Looks at the vCPUs of VMs whose vm.conf has a watchdog, one after the other, four times in its
// period; what is found is HangDetector's to judge. A vCPU that runs is asked to leave its guest
// for the look, by the scheduler (Scheduler::try_observe); an exit does nothing for it.
//
// It is the VM table's, under whose lock all is but for what comes from the scheduler.
#pragma once

#include <atomic>
#include <optional>

#include "kernel/manager/hang_detector.hpp"
#include "kernel/manager/managed_vm.hpp"
#include "kernel/sched/host_work.hpp"

namespace cairn {

class Watchdog final : private VcpuObserver {
  public:
    constexpr Watchdog() = default;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// When, by `time`, it has to look; any hart asks.
    [[nodiscard]] std::uint64_t due() const {
        return wanted_.load(std::memory_order_relaxed) ? HostWork::at_once
                                                       : due_.load(std::memory_order_relaxed);
    }
    /// It is about to end: no round is at it any more.
    void forget(const ManagedVm& vm) {
        if (vm_ == &vm) vm_ = nullptr;
    }
    /// Some VM has been started.
    void look_again() { wanted_.store(true, std::memory_order_release); }

    /// What is done before `end`: looks at the VM `vm`, at `now`; whether it hangs.
    [[nodiscard]] bool watch(ManagedVm& vm, Scheduler& scheduler, std::uint64_t now,
                             std::uint64_t ticks_per_second);
    /// Before the VMs are looked at, and behind that.
    void begin() {
        wanted_.store(false, std::memory_order_relaxed);
        next_ = HostWork::when_asked;
    }
    void end() { due_.store(next_, std::memory_order_relaxed); }

  private:
    enum class Look : std::uint8_t { none, asked, taken };

    void at_rest(Vcpu& vcpu) override;
    void has_gone() override {}
    [[nodiscard]] bool is_watched(const ManagedVm& vm) const;
    [[nodiscard]] bool go_on(ManagedVm& vm, Scheduler& scheduler, std::uint64_t now,
                             std::uint64_t period);

    std::atomic<bool> wanted_ = false;
    std::atomic<std::uint64_t> due_ = HostWork::when_asked;
    std::uint64_t next_ = HostWork::when_asked;
    // Of the round at hand.
    const ManagedVm* vm_ = nullptr;
    std::uint32_t cpu_ = 0;
    std::uint64_t asked_until_ = 0;  ///< then it is asked again: somebody else was answered
    std::atomic<const Vcpu*> asked_ = nullptr;
    std::atomic<Look> look_ = Look::none;
    VcpuLook found_{};
};

}  // namespace cairn
