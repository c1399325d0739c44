// SPDX-License-Identifier: MIT
// A VM whose vCPUs all lie in no hart, as a debugger's target. It is made for the length of one
// packet, for a VM may end between two; what lasts is in `DebugState`, the session's.
//
// Memory is reached through GuestMemory, as the monitor's `mem` does: what the guest has not
// touched yet is given to it by that, and reads as zeros; what is shown from the archive is copied
// first. Who writes to memory writes to what vCPUs may have fetched: they forget it when they are
// loaded.
#pragma once

#include "kernel/manager/gdb/debug_target.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

struct DebugState {
    bool physical = false;
};

class VmTarget final : public DebugTarget {
  public:
    VmTarget(Vm& vm, DebugState& state) : vm_(vm), state_(state) {}

    [[nodiscard]] std::uint32_t cpus() const override { return vm_.cpus(); }
    void describe(std::uint32_t cpu, Writer& out) const override;
    [[nodiscard]] std::optional<std::uint64_t> read_register(std::uint32_t cpu,
                                                             std::uint32_t number) override;
    [[nodiscard]] bool write_register(std::uint32_t cpu, std::uint32_t number,
                                      std::uint64_t value) override;
    void use_physical(bool physical) override { state_.physical = physical; }
    [[nodiscard]] std::size_t read_memory(std::uint32_t cpu, std::uint64_t address,
                                          std::span<std::byte> to) override;
    [[nodiscard]] bool write_memory(std::uint32_t cpu, std::uint64_t address,
                                    std::span<const std::byte> from) override;

  private:
    template <class Visitor>
    [[nodiscard]] std::uint64_t for_each_piece(std::uint32_t cpu, std::uint64_t address,
                                               std::uint64_t size, Visitor visit) const;
    [[nodiscard]] bool write_fp(std::uint32_t cpu, std::uint32_t number, std::uint64_t value);

    Vm& vm_;
    DebugState& state_;
};

}  // namespace cairn
