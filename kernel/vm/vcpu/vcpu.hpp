// SPDX-License-Identifier: MIT
// One virtual hart. Its integer registers are in `context` while the host runs. All else is a value
// (kernel/arch/guest/guest_state.hpp) that lies in a hart from `load` to `put_away`, and stays
// there until another vCPU is loaded: what changes the guest's state in between writes the hart's
// CSRs, and that is done here and in the world switch alone. Its interrupt lines are bits of hvip.
// The hart's counters that it uses go with it (kernel/vm/vcpu/hardware_counters.hpp). Touched only
// by the hart that runs it, but for `request`, `fence_mail`, `pmu().count` and the external
// interrupt's line: those are how other harts reach it (kernel/vm/vcpu/vcpu_requests.hpp).
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/arch/guest/guest_state.hpp"
#include "kernel/arch/guest/vcpu_context.hpp"
#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/host/cpu/ipi_batch.hpp"
#include "kernel/vm/exits/exit_trace.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/vcpu/recent_accesses.hpp"
#include "kernel/vm/vcpu/steal_time.hpp"
#include "kernel/vm/vcpu/vcpu_interrupts.hpp"
#include "kernel/vm/vcpu/vcpu_pmu.hpp"
#include "kernel/vm/vcpu/vcpu_requests.hpp"

namespace cairn {

class Vm;
class Vcpu;

/// What else there is on the hart of a vCPU. Only where it is wanted does the guest's wfi leave it;
/// but wherever an interrupt of the machine may be for others, C++ looks at all of them.
enum class HartUse : std::uint32_t {  // one exchange; of a byte it is a loop
    alone,
    watched,  ///< others sleep there, or have work there at some time
    wanted,   ///< others wait for it
    unknown,  ///< is to be said again
};

/// Whose state lies in the hart at hand; nullptr: nobody's. Changed by `load` and `put_away`.
extern constinit thread_local Vcpu* loaded_vcpu;

class Vcpu {
  public:
    VcpuContext context;  ///< first, and what exits look at close behind: 2 KiB are within reach

  private:
    Vm& vm_;
    static constexpr std::uint8_t stays = 0xff;
    std::atomic<std::uint8_t> stays_ = stays;  ///< or 0: a mask of what comes next
    bool waits_for_interrupt_ = false;
    HartUse hart_use_ = HartUse::alone;
    std::uint8_t locked_features_ = 0;
    std::atomic<bool> watched_ = false;
    /// By which the exit path was chosen; unknown where exits are watched, or no more.
    std::atomic<HartUse> chosen_for_ = HartUse::alone;
    std::uint64_t discarded_ = 0;
    OpenAccess open_access_;
    RecentAccesses recent_accesses_;

  public:
    /// `hart_id` is the guest's number for it, from 0.
    Vcpu(Vm& vm, std::uint32_t hart_id) : vm_(vm) {
        context.vcpu = this;
        context.bell = &requests_.bell();
        context.hart_id = hart_id;
        context.self_mask = std::uint64_t{1} << hart_id;
    }
    Vcpu(const Vcpu&) = delete;
    Vcpu& operator=(const Vcpu&) = delete;
    ~Vcpu() {
        if (is_here()) loaded_vcpu = nullptr;
    }

    /// Ends the guest's run at the end of the exit at hand, or of the next: what comes then is for
    /// the hart's loop to find (kernel/sched/). Any hart may say so; one that is in the guest has
    /// to be interrupted for it.
    void leave_guest() {
        requests_.have_looked();
        stays_.store(0, std::memory_order_seq_cst);
    }
    /// The same on its own hart, for what its own guest waits for (a wfi, a fence) and for nothing
    /// else: the hart need not look at others for it.
    void leave_to_wait() { stays_.store(0, std::memory_order_relaxed); }
    [[nodiscard]] bool leaves_guest() const { return stays_.load(std::memory_order_relaxed) == 0; }
    /// On its own hart: what is said from here on counts. Whether somebody has said `leave_guest`.
    bool enter_next() {
        stays_.store(stays, std::memory_order_seq_cst);
        return requests_.take_look();
    }
    /// `resumption`, or `none` if the guest's run ends. No branch: every exit asks.
    [[nodiscard]] Resumption unless_leaving(Resumption resumption) const {
        return static_cast<Resumption>(static_cast<std::uint8_t>(resumption) &
                                       stays_.load(std::memory_order_relaxed));
    }

    /// Brings its state into the hart at hand, by whose hgatp its VM is translated; whoever's was
    /// there is put away before. It lies in no other hart. The hart forgets all memory of the
    /// guest: fences that the vCPU was asked for meanwhile are carried out by that.
    void load();
    /// Takes its state out of the hart at hand.
    void put_away();
    /// The same where its state is not needed any more.
    void drop();
    /// Ends what it has armed in the hart at hand, and takes its last state out of it, for whoever
    /// looks into a VM that has ended.
    void retire(const GuestFeatures& features);
    /// Where its vector registers are put away: 32 * vlenb bytes that outlive it. Before the first
    /// reset of a vCPU with V.
    void keep_vector_in(std::byte* room) { state_.vector.registers = room; }
    /// Whether its state lies in the hart at hand, so that its CSRs are the vCPU's.
    [[nodiscard]] bool is_here() const { return loaded_vcpu == this; }
    /// Up to date while it is not loaded.
    [[nodiscard]] const GuestState& state() const { return state_; }
    /// To be changed while it lies in no hart, by whoever holds its VM still.
    [[nodiscard]] GuestState& state_at_rest() { return state_; }

    /// Whether its ebreaks are for Cairn to look at first. While it lies in no hart.
    void take_ebreaks(bool wanted);

    /// Which hart of the machine is interrupted for it from now on: it looks at the vCPU's bell
    /// then, whether it runs the vCPU or the vCPU sleeps there. `host_hart` outlives the vCPU.
    /// Until this is said, nobody is interrupted: whoever runs the vCPU first looks.
    void answer_on(const IpiTarget& host_hart) { requests_.answer_on(host_hart); }

    /// Asks the vCPU for what `requests` say (struct Request); its hart is interrupted by `batch`.
    void request(std::uint32_t requests, IpiBatch& batch) { requests_.ask(requests, batch); }
    void request(std::uint32_t requests) {
        IpiBatch batch;
        request(requests, batch);
    }
    /// Fences that it wants of others, and others of it; `request` a fence when they were asked.
    [[nodiscard]] FenceMail& fence_mail() { return requests_.mail(); }
    /// On its own hart: whether all whom it asked for a fence need no more of it.
    [[nodiscard]] bool is_fence_done() { return requests_.is_fence_done(*this); }
    /// On its own hart: does what it was asked for.
    void answer();
    /// The same while its state lies in no hart; fences are left for `load`.
    void answer_away();
    /// Before a run of the VM: forgets what came after the end of the last run.
    void forget_requests();
    [[nodiscard]] bool is_asked() const { return requests_.are_there(); }

    /// Brings this hart's guest state to what the SBI boot protocol promises: VS-mode, paging off,
    /// interrupts off, a0 = hart id, a1 = `argument`, pc = `entry` (SBI, "Function: Hart start").
    void reset(std::uint64_t entry, std::uint64_t argument, const GuestFeatures& features);

    /// Forgets all translations and instructions that the hart may have kept of the guest's memory:
    /// it may have changed while others passed this vCPU over.
    static void forget_memory();

    /// Ends what the vCPU has armed in the hart: its timer and its pending interrupts.
    void quiesce(const GuestFeatures& features);

    /// Has the hart look again whether the guest's timer has fired, now and by the host's timer
    /// `context.timer_renewal` ticks from now; where that is not 0. Writing vstimecmp with its own
    /// value does it: no guest can tell.
    void renew_timer() const;

    /// Lets the guest go on at `entry` in VS-mode with paging and interrupts off (SBI, "Hart
    /// suspend", non-retentive).
    void resume(std::uint64_t entry);

    /// Makes the guest take `exception` at its current pc, as hardware would (Privileged
    /// Architecture, "Supervisor", section "Trap Handling", for VS-mode).
    void inject(Exception exception, std::uint64_t trap_value);

    /// Its timer interrupt comes at `deadline`. With Sstc the guest's own comparator is armed;
    /// without, its interrupt ends and the host's timer is armed.
    void set_timer(std::uint64_t deadline);
    /// Whether the guest's page tables have their A and D bits updated (henvcfg.ADUE).
    [[nodiscard]] bool updates_ad_bits() const;
    /// False where the hart does not take it.
    [[nodiscard]] bool update_ad_bits(bool wanted);
    /// Whether misaligned accesses that the hart does not carry out are the guest's (hedeleg).
    [[nodiscard]] bool handles_misaligned() const;
    /// False where the hart does not take it.
    [[nodiscard]] bool handle_misaligned(bool wanted);
    /// After a write of an FP register on the guest's behalf.
    void mark_fp_changed();

    /// When, by the host's `time`, its guest's timer fires.
    [[nodiscard]] std::uint64_t host_deadline() const;

    /// Its guest has nothing to do until an interrupt is pending that it has enabled (wfi).
    void wait_for_interrupt() {
        waits_for_interrupt_ = true;
        leave_to_wait();
    }
    [[nodiscard]] bool waits_for_interrupt() const { return waits_for_interrupt_; }
    void end_wait() { waits_for_interrupt_ = false; }

    /// On its hart, before it is entered.
    void share_hart(HartUse use);
    /// Whether all interrupts of the machine are C++'s.
    [[nodiscard]] bool shares_hart() const { return hart_use_ != HartUse::alone; }
    /// Whether its wfi leaves the guest.
    [[nodiscard]] bool yields_at_wfi() const { return hart_use_ == HartUse::wanted; }

    /// Where the guest's own trap handler starts, for exceptions.
    [[nodiscard]] std::uint64_t trap_vector() const;

    [[nodiscard]] Vm& vm() const { return vm_; }
    [[nodiscard]] std::uint64_t hart_id() const { return context.hart_id; }

    [[nodiscard]] VcpuInterrupt& software_interrupt() { return software_; }
    [[nodiscard]] VcpuInterrupt& timer_interrupt() { return timer_; }
    [[nodiscard]] ExternalInterrupt& external_interrupt() { return external_; }

    [[nodiscard]] VcpuPmu& pmu() { return pmu_; }
    /// Whether every exit passes C++ (handle_watched_exit), to be counted by cause or traced, from
    /// the next entry on: it leaves its guest for that. Any hart may say so.
    void watch_exits(bool watched);
    [[nodiscard]] bool watches_exits() const { return watched_.load(std::memory_order_relaxed); }
    [[nodiscard]] ExitTrace& exit_trace() { return exit_trace_; }
    [[nodiscard]] StealTime& steal_time() { return steal_time_; }

    /// After a change of `pmu`: calls that are counted are not answered by the world switch.
    void choose_exit_path();
    /// How the world switch sends it IPIs; the rest of the route is said by `answer_on`.
    void keep_route_in(IpiRoute& route) { requests_.keep_route_in(route); }

    /// Firmware features (SbiFeature, below 8) that stay as they are until the next reset.
    [[nodiscard]] bool is_locked(std::uint32_t feature) const {
        return (locked_features_ >> feature & 1) != 0;
    }
    void lock(std::uint32_t feature) {
        locked_features_ = static_cast<std::uint8_t>(locked_features_ | 1u << feature);
    }

    [[nodiscard]] RecentAccesses& recent_accesses() { return recent_accesses_; }
    /// Where loads into x0 end.
    [[nodiscard]] std::uint64_t& discarded() { return discarded_; }
    [[nodiscard]] OpenAccess& open_access() { return open_access_; }

  private:
    void require_here() const;
    void fence_for_loading();
    void load_timer() const;
    void put_away_timer();

    GuestState state_;
    VcpuRequests requests_;
    VcpuInterrupt software_{Interrupt::virtual_supervisor_software};
    VcpuInterrupt timer_{Interrupt::virtual_supervisor_timer};
    ExternalInterrupt external_{*this};
    ExitTrace exit_trace_;
    VcpuPmu pmu_;
    StealTime steal_time_;
};

}  // namespace cairn
