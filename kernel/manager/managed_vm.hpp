// SPDX-License-Identifier: MIT
// A VM of the archive over its life: a template first; then built, and run until it ends; then
// nothing is left of it but the template.
//
//     off ── start ──► loading ── load_some ... ──► running ── all have left ──► ending ──► off
//                         ▲                                                     │
//                         └─────────────────── load_again ◄─────────────────────┘   (a reset)
//
// It is ending until its devices have let go of its memory, which most have at once.
//
// Where it is dumped, at the end or in between, no hart runs it meanwhile, and nothing of it goes.
// Touched under the VM table's lock (kernel/manager/vm_table.hpp).
#pragma once

#include <array>
#include <memory>
#include <optional>

#include <cairn/static_vector.hpp>
#include "kernel/manager/cores/core_dump.hpp"
#include "kernel/manager/guest_loader.hpp"
#include "kernel/manager/hang_detector.hpp"
#include "kernel/manager/line_budget.hpp"
#include "kernel/manager/restart_guard.hpp"
#include "kernel/manager/vm_builder.hpp"
#include "kernel/sched/scheduler.hpp"

namespace cairn {

enum class VmState : std::uint8_t { off, loading, running, paused, dumping, ending };
[[nodiscard]] std::string_view to_string(VmState state);

class ManagedVm {
  public:
    /// As `bundle` describes it, but for its name (is_vm_name). `host`, `scheduler` and `end`
    /// outlive it. It may have `quota` bytes of the hypervisor's own memory.
    ManagedVm(const BundleVm& bundle, std::string_view name, HostResources& host,
              Scheduler& scheduler, VmEnd& end, std::size_t quota);
    ManagedVm(const ManagedVm&) = delete;
    ManagedVm& operator=(const ManagedVm&) = delete;

    [[nodiscard]] std::string_view name() const { return bundle_.config.name; }
    [[nodiscard]] const VmConfig& config() const { return bundle_.config; }
    /// Whether it is more than its template.
    [[nodiscard]] bool is_running() const { return running_.has_value(); }
    [[nodiscard]] bool is_loading() const { return running_ && running_->loader; }
    /// While it is running.
    [[nodiscard]] Vm& vm() { return *running_->built.vm; }
    [[nodiscard]] VmState state() const;
    [[nodiscard]] GuestChannel& channel() { return channel_; }
    [[nodiscard]] const GuestChannel& channel() const { return channel_; }
    /// What it has of the hypervisor's own memory.
    [[nodiscard]] const QuotaAccount& account() const { return memory_.account(); }
    [[nodiscard]] const BuiltVm* built() const { return running_ ? &running_->built : nullptr; }

    /// nullptr: it is off, or has none.
    [[nodiscard]] GuestBalloon* balloon() const {
        return running_ ? running_->built.devices.balloon.get() : nullptr;
    }

    /// Calls `visit` for each of its devices or vCPUs while it is running.
    template <class Visitor>
    void visit_devices(Visitor visit) const {
        if (!running_) return;
        for (const GuestDevice& device : running_->built.vm->devices().list())
            visit(device);
    }
    template <class Visitor>
    void visit_tasks(Visitor visit) const {
        if (!running_) return;
        for (const Task& task : running_->tasks)
            visit(task);
    }

    /// Whether it can start again after it has ended; counts it.
    [[nodiscard]] RestartGuard& restarts() { return restarts_; }
    /// What it may cause to be said again and again.
    [[nodiscard]] LineBudget& lines() { return lines_; }
    /// Builds it, and has it be loaded; false, with a sentence in the log, where that cannot be.
    /// Its exits are counted by cause if it is to `count_exits`, and traced as its configuration
    /// says.
    [[nodiscard]] bool start(bool count_exits);
    /// No hart runs it: has it be loaded anew. False, with a sentence in the log, where RAM that it
    /// gave back is not to be had again: then it is to be destroyed.
    [[nodiscard]] bool load_again();
    /// While it is loading: a piece of it. Its vCPUs are queued after the last; on a failure, which
    /// has a sentence in the log, it is to be destroyed.
    enum class Loaded : std::uint8_t { in_part, all, failed };
    [[nodiscard]] Loaded load_some();
    /// No hart runs it: gives all back that it has.
    void destroy();

    /// While it is running: has its vCPUs, or `cpu` alone, keep their last `entries` exits from now
    /// on; false where its quota or the heap has no room for them: then those are not traced.
    [[nodiscard]] bool trace(std::optional<std::uint32_t> cpu, std::uint32_t entries);
    void end_trace(std::optional<std::uint32_t> cpu);

    /// Of the harts that may run it.
    [[nodiscard]] const HartAbilities& abilities() const { return host_.abilities(); }
    /// Of the VM as it is now; nullptr: it is not dumped.
    [[nodiscard]] CoreDump* dump() const { return running_ ? running_->dump.get() : nullptr; }
    /// Begins to write a core to the machine's disk of that number. `has_ended`: a crash has ended
    /// the VM, which no hart runs. `wanted` is set where there is something to do again.
    [[nodiscard]] std::expected<void, CoreFault> begin_dump(HostDiskName disk, bool has_ended,
                                                            std::atomic<bool>& wanted);
    /// Pauses it for the dump, and lets it go on behind that as it was before.
    void hold_for_dump();
    void let_go_after_dump();
    /// It is through: what came of it is kept.
    void end_dump();
    [[nodiscard]] const std::optional<CoreResult>& last_dump() const { return last_dump_; }
    /// Whether the vCPUs of a VM that is paused stay as they are. A hart that takes one from now on
    /// sees that before it brings it in; one that has taken one before still has it.
    [[nodiscard]] bool is_at_rest() const;
    /// While it is running with a watchdog: what that has found, and when it looks next, by `time`;
    /// 0: not said yet.
    struct Watch {
        HangDetector detector;
        std::uint64_t next = 0;
    };
    [[nodiscard]] Watch& watching() { return *running_->watching; }
    [[nodiscard]] const Task& task(std::uint32_t cpu) const { return running_->tasks[cpu]; }
    /// Its run is over for `reason`, and it is ending, or dumped before that.
    void end_for(StopReason reason) { running_->end_reason = reason; }
    [[nodiscard]] std::optional<StopReason> end_reason() const { return running_->end_reason; }

  private:
    using Counts = allocated_ptr<ExitCounts, VmAllocator<ExitCounts>>;
    using WatchPointer = allocated_ptr<Watch, VmAllocator<Watch>>;
    struct Running {
        Counts counts;          ///< nullptr: nobody has asked for them
        WatchPointer watching;  ///< nullptr: it has no watchdog
        BuiltVm built;
        vector<Task, VmAllocator<Task>> tasks;
        std::array<std::byte, 32> rng_seed{};  ///< of this start
        std::optional<GuestLoader> loader;     ///< until it is loaded
        std::unique_ptr<CoreDump> dump;
        bool was_paused = false;               ///< before its dump
        std::optional<StopReason> end_reason;  ///< all vCPUs have left for good
    };

    [[nodiscard]] bool watch(bool count_exits);
    [[nodiscard]] bool has_counts();
    /// Calls `visit` for vCPU `cpu`, or for all.
    template <class Visitor>
    void visit_vcpus(std::optional<std::uint32_t> cpu, Visitor visit) {
        for (std::uint32_t each = 0; each < vm().cpus(); ++each)
            if (!cpu || *cpu == each) visit(vm().vcpu(each));
    }
    std::string_view keep_name(std::string_view name);
    void queue();

    static_vector<char, longest_vm_name> name_;
    BundleVm bundle_;
    HostResources& host_;
    Scheduler& scheduler_;
    VmEnd& end_;
    GuestChannel channel_;
    VmMemory memory_;
    RestartGuard restarts_;
    LineBudget lines_;
    std::optional<CoreResult> last_dump_;
    bool counts_exits_ = false;  ///< of all vCPUs, traced or not
    std::optional<Running> running_;
    std::optional<TaskGroup> group_;
};

}  // namespace cairn
