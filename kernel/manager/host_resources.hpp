// SPDX-License-Identifier: MIT
// What the host has for its guests: page frames, and the abilities of its hart. Made once, before
// the first VM; it does not move once made.
#pragma once

#include <array>
#include <expected>
#include <optional>

#include "kernel/arch/isa_string.hpp"
#include "kernel/arch/stage2_pte.hpp"
#include "kernel/host/frame_pool.hpp"
#include "kernel/host/this_machine.hpp"
#include "kernel/vm/guest_features.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// What the boot hart can do for a guest, from its node in the device tree.
struct HartAbilities {
    IsaSet guest_isa;        ///< what a guest is told it has
    GuestFeatures features;  ///< what is opened for it
    Stage2Mode stage2_mode = Stage2Mode::sv39x4;
    std::uint32_t cbom_block_size = 0;
    std::uint32_t cboz_block_size = 0;
};

/// Which extensions `hart` has, from whichever of the two properties its node has.
[[nodiscard]] std::expected<IsaSet, IsaError> machine_isa(const MachineHart& hart);

/// What a guest gets of `isa`. Cache-block instructions are passed on only with a block size.
[[nodiscard]] HartAbilities abilities_of(const IsaSet& isa, const MachineHart& hart);

class HostResources {
  public:
    HostResources() = default;
    HostResources(const HostResources&) = delete;
    HostResources& operator=(const HostResources&) = delete;

    /// Fills in everything; false, with a sentence in the log, where the machine lacks something
    /// that no guest can do without: the H extension, or a G-stage mode.
    [[nodiscard]] bool take(const ThisMachine& self);

    [[nodiscard]] FramePool& frames() { return frames_; }
    [[nodiscard]] const HartAbilities& abilities() const { return abilities_; }
    [[nodiscard]] const MachineIds& ids() const { return ids_; }
    [[nodiscard]] std::uint64_t timebase_hz() const { return timebase_hz_; }
    [[nodiscard]] std::string_view mmu_type() const { return mmu_type_; }
    [[nodiscard]] std::string_view guest_isa_text() const { return isa_text_; }

  private:
    [[nodiscard]] bool take_memory(const ThisMachine& self);
    [[nodiscard]] bool choose_stage2_mode(const BootOptions& options, std::uint64_t hart);
    [[nodiscard]] bool take_hart(const ThisMachine& self);

    FramePool frames_;
    HartAbilities abilities_;
    MachineIds ids_;
    std::uint64_t timebase_hz_ = 0;
    std::string_view mmu_type_;
    std::string_view isa_text_;
    std::array<char, isa_string_capacity> isa_buffer_{};
};

}  // namespace cairn
