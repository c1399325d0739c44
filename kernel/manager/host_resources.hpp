// SPDX-License-Identifier: MIT
// What the host has for its guests: page frames, and the abilities of its hart. Made once, before
// the first VM; it does not move once made.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <span>

#include "kernel/arch/isa/isa_string.hpp"
#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/host/boot/this_machine.hpp"
#include "kernel/host/cpu/guest_translations.hpp"
#include "kernel/host/memory/frame_pool.hpp"
#include "kernel/manager/networks.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/memory/vmid.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// What the boot hart can do for a guest, from its node in the device tree.
struct HartAbilities {
    IsaSet guest_isa;        ///< what a guest is told it has
    GuestFeatures features;  ///< what is opened for it
    Stage2Mode stage2_mode = Stage2Mode::sv39x4;
    std::uint32_t cbom_block_size = 0;
    std::uint32_t cboz_block_size = 0;
    std::uint32_t vector_register_bytes = 0;  ///< with features.vector
};

/// Which extensions `hart` has, by its node: the list of `riscv,isa-extensions` and
/// `riscv,isa-base`, or where there is no list, the string `riscv,isa`, which is older and may
/// leave out what is new (Linux, riscv/extensions.yaml). The string's I holds Zicntr, Zicsr,
/// Zifencei and Zihpm; the list names them.
[[nodiscard]] std::expected<IsaSet, IsaError> machine_isa(const MachineHart& hart);

/// A hart that runs, what it lacks of what its node says, and what its node does not say
/// (kernel/host/cpu/hart_trials.hpp).
struct RunningHart {
    std::uint64_t id = 0;
    IsaSet missing;
    std::uint32_t vector_register_bytes = 0;  ///< where it has V
    Stage2Abilities stage2{};                 ///< where it has H
};

/// What a guest gets of `isa`. Cache-block instructions are passed on only with a block size.
[[nodiscard]] HartAbilities abilities_of(const IsaSet& isa, const MachineHart& hart);

class HostResources {
  public:
    static constexpr std::size_t max_guest_harts = 64;

    HostResources() = default;
    HostResources(const HostResources&) = delete;
    HostResources& operator=(const HostResources&) = delete;

    /// Fills in everything; false, with a sentence in the log, where the machine lacks something
    /// that no guest can do without: the H extension, or a G-stage mode. `running` are the harts
    /// that run, the boot hart first, which is tried here.
    [[nodiscard]] bool take(const ThisMachine& self, std::span<const RunningHart> running = {});

    [[nodiscard]] FramePool& frames() { return frames_; }
    [[nodiscard]] VmidAllocator& vmids() { return vmids_; }
    /// Who has the harts that run guests forget what they know of a guest's RAM; null where the
    /// firmware cannot.
    [[nodiscard]] TranslationFence* guest_translations() {
        return guest_translations_.works() ? &guest_translations_ : nullptr;
    }
    [[nodiscard]] const HartAbilities& abilities() const { return abilities_; }
    [[nodiscard]] const MachineIds& ids() const { return ids_; }
    /// The harts that can run guests, as kernel/host/cpu/harts.hpp counts them; the first is 0, the
    /// boot hart. Each gives a guest what the boot hart gives.
    [[nodiscard]] std::size_t guest_hart_count() const { return guest_harts_.size(); }
    [[nodiscard]] std::size_t guest_hart(std::size_t index) const { return guest_harts_[index]; }
    /// What VMs' devices have to do between guests.
    [[nodiscard]] constexpr DeviceTasks& device_tasks() { return device_tasks_; }
    [[nodiscard]] constexpr Networks& networks() { return networks_; }
    /// Whether guests may find what is in frames that nobody has used since reset.
    [[nodiscard]] bool trusts_unused_ram() const { return trusts_unused_ram_; }
    /// Whether the firmware has handed over a seed for random bytes.
    [[nodiscard]] bool has_rng_seed() const { return has_rng_seed_; }
    [[nodiscard]] std::uint64_t timebase_hz() const { return timebase_hz_; }
    [[nodiscard]] std::string_view mmu_type() const { return mmu_type_; }
    [[nodiscard]] std::string_view guest_isa_text() const { return isa_text_; }

  private:
    [[nodiscard]] bool take_memory(const ThisMachine& self);
    [[nodiscard]] bool choose_stage2_mode(const BootOptions& options, std::uint64_t hart);
    [[nodiscard]] bool take_hart(const ThisMachine& self);
    [[nodiscard]] bool is_like_boot_hart(const MachineHart& hart, const RunningHart& running) const;
    void take_other_harts(const Machine& machine, std::span<const RunningHart> running);

    FramePool frames_;
    VmidAllocator vmids_;
    GuestTranslations guest_translations_;
    DeviceTasks device_tasks_;
    Networks networks_;
    static_vector<std::size_t, max_guest_harts> guest_harts_;
    HartAbilities abilities_;
    MachineIds ids_;
    bool trusts_unused_ram_ = false;
    bool has_rng_seed_ = false;
    std::uint64_t timebase_hz_ = 0;
    std::string_view mmu_type_;
    std::string_view isa_text_;
    std::array<char, isa_string_capacity> isa_buffer_{};
};

}  // namespace cairn
