// SPDX-License-Identifier: MIT
// All VMs of the archive, and what becomes of each. The table's lock is the first in the order of
// locks: it is held while a VM is built or destroyed, or loaded a piece further, on the hart that
// does it. Loading is work between guests.
#pragma once

#include <algorithm>
#include <atomic>
#include <expected>

#include <cairn/unique_ptr.hpp>
#include "kernel/manager/console/console_multiplexer.hpp"
#include "kernel/manager/managed_vm.hpp"
#include "kernel/manager/watchdog.hpp"
#include "kernel/sched/host_work.hpp"

namespace cairn {

enum class VmTableError : std::uint8_t {
    no_such_vm,
    not_running,
    running,        ///< already
    loading,        ///< so it cannot be paused yet
    still_running,  ///< and is to be off
    not_paused,
    still_pausing,    ///< some vCPU has not left its guest yet
    cannot_be_built,  ///< the log says why
    no_such_vcpu,
    no_room_for_trace,
    no_such_template,
    bad_name,
    name_taken,
    no_room,
    dumping,
    ending,    ///< a disk is still at its memory
    debugged,  ///< gdb has it
    no_core_disk,
};
[[nodiscard]] std::string_view to_string(VmTableError error);

class VmTable final : public VmEnd, public HostWork {
  public:
    struct Settings {
        std::optional<std::size_t> quota;  ///< of the hypervisor's memory for each; or by its RAM
        bool count_exits = false;          ///< of all VMs, by cause
    };
    using Result = std::expected<void, VmTableError>;

    constexpr VmTable() = default;
    VmTable(const VmTable&) = delete;
    VmTable& operator=(const VmTable&) = delete;

    /// Takes the VMs of `bundle`; all outlive the table. False, with a sentence in the log, where
    /// there is no room.
    [[nodiscard]] bool fill(const Bundle& bundle, HostResources& host, Scheduler& scheduler,
                            ConsoleMultiplexer& console, const Settings& settings);
    /// Forgets all, when no hart runs guests any more.
    void clear() {
        vms_.clear();
        vms_.shrink_to_fit();
        names_.clear();
        names_.shrink_to_fit();
    }

    /// Starts every VM that is to start by itself, or says why not; the scheduler is closed when
    /// the last has ended.
    void start_all();
    void all_have_left(Vm& vm) override;

    // HostWork: loads those that have been started, dumps, ends, and looks whether they hang.
    [[nodiscard]] std::uint64_t due() const override {
        const bool is_wanted = loading_.load(std::memory_order_relaxed) != 0 ||
                               dump_wanted_.load(std::memory_order_relaxed);
        if (is_wanted) return at_once;
        return std::min(watchdog_.due(), ends_due_.load(std::memory_order_relaxed));
    }
    bool run() override;

    /// Makes a VM `name` as the archive's folder `model` describes it; it is off.
    [[nodiscard]] Result create(std::string_view name, std::string_view model);
    /// Forgets a VM that is off, with what its console has kept. Nobody else may hold its channel.
    [[nodiscard]] Result destroy(std::string_view name);
    [[nodiscard]] Result start(std::string_view name);
    /// Ends its run for `reason`; a reset starts it again.
    [[nodiscard]] Result stop(std::string_view name, StopReason reason);
    [[nodiscard]] Result pause(std::string_view name);
    [[nodiscard]] Result resume(std::string_view name);
    /// Has VM `name` trace its exits, or those of `cpu` alone: the last `entries` of each vCPU.
    [[nodiscard]] Result trace(std::string_view name, std::optional<std::uint32_t> cpu,
                               std::uint32_t entries);
    [[nodiscard]] Result end_trace(std::string_view name, std::optional<std::uint32_t> cpu);
    /// Begins to write a core of it to the machine's disk of that number, or to its vm.conf's; it
    /// stands still meanwhile. What comes of it is its `last_dump`, once it has no `dump`.
    [[nodiscard]] std::expected<void, std::string_view> dump(std::string_view name,
                                                             std::optional<HostDiskName> disk);
    void abandon_dump(std::string_view name);
    /// Turns all off; the scheduler is closed when the last has ended.
    void stop_all();

    /// Calls `visit` for each VM, which stays as it is meanwhile.
    template <class Visitor>
    void visit(Visitor visit) {
        const SpinGuard guard(lock_);
        for (const auto& vm : vms_)
            visit(std::as_const(*vm));
    }
    /// Calls `visit` for each VM's name and channel; the VM stays as it is meanwhile.
    template <class Visitor>
    void visit_channels(Visitor visit) {
        const SpinGuard guard(lock_);
        for (const auto& vm : vms_)
            visit(vm->name(), vm->channel());
    }
    /// Calls `visit` for the VM `name`, which it may change and which stays otherwise as it is
    /// meanwhile; false where there is none.
    template <class Visitor>
    [[nodiscard]] bool rule(std::string_view name, Visitor visit) {
        const SpinGuard guard(lock_);
        ManagedVm* const vm = find(name);
        if (vm != nullptr) visit(*vm);
        return vm != nullptr;
    }
    /// Whether the VM `name` runs, or why not.
    [[nodiscard]] Result ask_running(std::string_view name);
    [[nodiscard]] std::span<const std::string_view> names() const { return names_; }
    /// Of the VM `name`, or nullptr.
    [[nodiscard]] GuestChannel* channel(std::string_view name);

    /// Whether every VM could be started, and powered off in the end without saying that it failed.
    [[nodiscard]] bool all_succeeded() const { return !failed_; }

  private:
    [[nodiscard]] ManagedVm& find(const Vm& vm) CAIRN_REQUIRES(lock_);
    [[nodiscard]] ManagedVm* find(std::string_view name);
    /// Unless it stands still for good, or for a dump.
    [[nodiscard]] static Result ask_lively(const ManagedVm& vm);
    [[nodiscard]] std::expected<ManagedVm*, VmTableError> find_running(
        std::string_view name, std::optional<std::uint32_t> cpu);
    [[nodiscard]] bool add(const BundleVm& vm, std::string_view name);
    void choose_front() CAIRN_REQUIRES(lock_);
    [[nodiscard]] ManagedVm* other_in_front(const ManagedVm& vm);
    void replace_in_front(const ManagedVm& vm) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool start(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    void load_some(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    void watch() CAIRN_REQUIRES(lock_);
    void load_next() CAIRN_REQUIRES(lock_);
    void dump_some(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    /// Its run is over for `reason`, and only the dump, which is given up, or a disk is not.
    void end_behind_others(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    void dump_is_through(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool is_of_a_vm(HostDiskName disk) const;
    void warn_of_core(const ManagedVm& vm) const;
    [[nodiscard]] bool dump_crash(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    [[nodiscard]] std::expected<void, CoreFault> begin_dump(ManagedVm& vm, HostDiskName disk,
                                                            bool has_ended) CAIRN_REQUIRES(lock_);
    void say_end(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool goes_on(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    void end_run(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    void end_those_that_wait() CAIRN_REQUIRES(lock_);
    void say_reset(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    void stop(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    void has_stopped(ManagedVm& vm) CAIRN_REQUIRES(lock_);
    void one_has_ended(const ManagedVm& vm) CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    vector<allocated_ptr<ManagedVm, allocator<ManagedVm>>> vms_;
    vector<std::string_view> names_;
    const Bundle* bundle_ = nullptr;
    HostResources* host_ = nullptr;
    Scheduler* scheduler_ = nullptr;
    ConsoleMultiplexer* console_ = nullptr;
    std::optional<std::size_t> quota_;
    bool count_exits_ = false;
    std::uint64_t ticks_per_second_ = 0;
    std::size_t running_ CAIRN_GUARDED_BY(lock_) = 0;
    std::atomic<std::size_t> loading_ = 0;   ///< of those that run; changes under the lock
    std::atomic<bool> dump_wanted_ = false;  ///< some dump has something to do
    std::atomic<std::uint64_t> ends_due_ = when_asked;  ///< when it looks at those that are ending
    std::size_t last_loaded_ CAIRN_GUARDED_BY(lock_) = 0;  ///< in part, whose turn it was
    /// The machine stays when no VM runs any more: a VM's configuration says so (halt = never), or
    /// whoever rules the machine has turned a VM off, for whatever comes next.
    bool stays_ CAIRN_GUARDED_BY(lock_) = false;
    bool failed_ = false;
    Watchdog watchdog_;
};

}  // namespace cairn
