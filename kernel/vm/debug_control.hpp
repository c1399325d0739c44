// SPDX-License-Identifier: MIT
// What a debugger has said of a VM's vCPUs, for those who run them: whether ebreaks are Cairn's to
// look at, who has met a breakpoint or watchpoint, and whether one vCPU alone runs. Any hart asks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/vm/memory/debug_points.hpp"
#include "kernel/vm/vcpu/hart_states.hpp"

namespace cairn {

/// Aligned bytes that a vCPU's SC found: its next may write there, if nobody else has meanwhile.
struct Reservation {
    GuestRange range{};
    std::uint64_t value = 0;
};

class DebugControl {
  public:
    /// Whether a vCPU that starts from now on has its ebreaks come here.
    void take_ebreaks(bool wanted) {
        const SpinGuard guard(lock_);
        takes_ebreaks_.store(wanted);
    }
    [[nodiscard]] bool takes_ebreaks() const { return takes_ebreaks_.load(); }

    /// False where another debugger has the VM.
    [[nodiscard]] bool claim() { return !is_claimed_.exchange(true); }
    void release() { is_claimed_.store(false); }
    [[nodiscard]] bool is_claimed() const { return is_claimed_.load(); }

    struct Met {
        std::uint32_t vcpu;
        std::optional<Watchpoint> watchpoint;
    };
    /// A breakpoint, or the watchpoint. The first counts; the others meet theirs again.
    /// `pause` is called while the debugger cannot leave; not at all where it has left.
    template <class Pause>
    void met(std::uint32_t vcpu, const std::optional<Watchpoint>& watchpoint, Pause pause) {
        const SpinGuard guard(lock_);
        if (!takes_ebreaks()) return;
        pause();
        if (has_met()) return;
        watchpoint_ = watchpoint;
        met_.store(vcpu);
    }
    [[nodiscard]] bool has_met() const { return met_.load() != nobody; }
    [[nodiscard]] std::optional<Met> take_met() {
        const SpinGuard guard(lock_);
        const std::uint32_t vcpu = met_.exchange(nobody);
        if (vcpu == nobody) return std::nullopt;
        return Met{.vcpu = vcpu, .watchpoint = watchpoint_};
    }

    /// The vCPU's last.
    void reserve(std::uint32_t vcpu, const Reservation& reservation) {
        const SpinGuard guard(lock_);
        (void)drop_reservation(vcpu);
        (void)reservations_.try_push_back({vcpu, reservation});
    }
    /// It has none behind it.
    [[nodiscard]] std::optional<Reservation> take_reservation(std::uint32_t vcpu) {
        const SpinGuard guard(lock_);
        return drop_reservation(vcpu);
    }
    /// Somebody has written to `range`.
    void end_reservations(GuestRange range) {
        const SpinGuard guard(lock_);
        (void)erase_if(reservations_, [range](const OfVcpu& each) {
            return each.reservation.range.base < range.end() &&
                   range.base < each.reservation.range.end();
        });
    }

    void forget_reservations() {
        const SpinGuard guard(lock_);
        reservations_.clear();
    }

    /// The VM does not run meanwhile, or is interrupted behind it.
    void run_alone(std::optional<std::uint32_t> vcpu) { alone_.store(vcpu.value_or(nobody)); }
    /// Whether vCPU `vcpu` does not run though the VM does.
    [[nodiscard]] bool holds(std::uint64_t vcpu) const {
        const std::uint32_t alone = alone_.load(std::memory_order_relaxed);
        return alone != nobody && alone != vcpu;
    }

  private:
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};
    static constexpr std::size_t most_reservations = HartStates::max_harts;
    struct OfVcpu {
        std::uint32_t vcpu;
        Reservation reservation;
    };

    std::optional<Reservation> drop_reservation(std::uint32_t vcpu) {
        const auto found = std::ranges::find(reservations_, vcpu, &OfVcpu::vcpu);
        if (found == reservations_.end()) return std::nullopt;
        const Reservation had = found->reservation;
        reservations_.erase(found);
        return had;
    }

    std::atomic<bool> is_claimed_ = false;
    std::atomic<bool> takes_ebreaks_ = false;
    std::atomic<std::uint32_t> met_ = nobody;
    std::atomic<std::uint32_t> alone_ = nobody;
    Spinlock lock_;
    static_vector<OfVcpu, most_reservations> reservations_;
    std::optional<Watchpoint> watchpoint_;  ///< that `met_` has met, if it was one
};

}  // namespace cairn
