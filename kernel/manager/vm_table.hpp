// SPDX-License-Identifier: MIT
// All VMs of the archive, and what becomes of each. The table's lock is the first in the order of
// locks: it is held while a VM is built, loaded or destroyed, on the hart that does it.
#pragma once

#include <cairn/unique_ptr.hpp>
#include "kernel/manager/managed_vm.hpp"

namespace cairn {

class VmTable final : public VmEnd {
  public:
    struct Settings {
        std::optional<std::size_t>
            quota;                     ///< of the hypervisor's memory for each VM; or by its RAM
        ExitCounts* counts = nullptr;  ///< of all VMs' exits
    };

    constexpr VmTable() = default;
    VmTable(const VmTable&) = delete;
    VmTable& operator=(const VmTable&) = delete;

    /// Takes the VMs of `bundle`; all outlive the table. False, with a sentence in the log, where
    /// there is no room.
    [[nodiscard]] bool fill(const Bundle& bundle, HostResources& host, Scheduler& scheduler,
                            const Settings& settings);
    /// Starts every VM that is to start by itself, or says why not; the scheduler is closed when
    /// the last has ended.
    void start_all();
    void all_have_left(Vm& vm) override;

    /// Whether every VM could be started, and powered off in the end without saying that it failed.
    [[nodiscard]] bool all_succeeded() const { return !failed_; }

  private:
    [[nodiscard]] ManagedVm& find(const Vm& vm) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool goes_on(ManagedVm& vm, StopReason reason) CAIRN_REQUIRES(lock_);
    void one_has_ended() CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    vector<allocated_ptr<ManagedVm, allocator<ManagedVm>>> vms_;
    Scheduler* scheduler_ = nullptr;
    ExitCounts* counts_ = nullptr;
    std::uint64_t ticks_per_second_ = 0;
    std::size_t running_ CAIRN_GUARDED_BY(lock_) = 0;
    bool failed_ = false;
};

}  // namespace cairn
