// SPDX-License-Identifier: MIT
// A VM whose vCPUs all lie in no hart, as a debugger's target. It is made for the length of one
// packet, for a VM may end between two; what lasts is in `DebugState`, the session's.
//
// Memory is reached through GuestMemory, as the monitor's `mem` does: what the guest has not
// touched yet is given to it by that, and reads as zeros; what is shown from the archive is copied
// first. Who writes to memory writes to what vCPUs may have fetched: they forget it when they are
// loaded.
//
// A step is a run of one vCPU alone, with breakpoints wherever it may be after one instruction:
// where that goes on or jumps to, and where the guest's traps go.
#pragma once

#include <cairn/static_vector.hpp>
#include "kernel/manager/gdb/debug_target.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

struct DebugState {
    static constexpr std::size_t most_after_step = 6;
    static constexpr std::size_t most_breakpoints = 128;
    struct Breakpoint {
        std::uint64_t address;  ///< what gdb calls it
        GuestPhys at;
    };

    std::uint32_t vector_register_bytes = 0;  ///< the hart's, where it has V
    bool physical = false;
    static_vector<Breakpoint, most_breakpoints> breakpoints{};
    static_vector<GuestPhys, most_after_step> after_step{};  ///< breakpoints of a step alone
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
    [[nodiscard]] std::uint32_t vector_register_bytes() const override;
    void read_vector(std::uint32_t cpu, std::uint32_t number, std::span<std::byte> to) override;
    void write_vector(std::uint32_t cpu, std::uint32_t number,
                      std::span<const std::byte> from) override;
    void use_physical(bool physical) override { state_.physical = physical; }
    [[nodiscard]] std::size_t read_memory(std::uint32_t cpu, std::uint64_t address,
                                          std::span<std::byte> to) override;
    [[nodiscard]] bool write_memory(std::uint32_t cpu, std::uint64_t address,
                                    std::span<const std::byte> from) override;
    [[nodiscard]] bool insert_breakpoint(std::uint32_t cpu, std::uint64_t address) override;
    [[nodiscard]] bool remove_breakpoint(std::uint64_t address) override;
    [[nodiscard]] bool insert_watchpoint(std::uint32_t cpu, const WatchedBytes& bytes,
                                         WatchKind kind) override;
    void remove_watchpoint(const WatchedBytes& bytes, WatchKind kind) override;
    void run_alone(std::uint32_t cpu) override { vm_.debugging().run_alone(cpu); }
    [[nodiscard]] bool begin_step(std::uint32_t cpu) override;
    /// The VM has stopped: breakpoints that are a step's are no more, and all may run.
    void end_step();
    /// There are no breakpoints any more. Where the VM is not `at_rest`, its vCPUs' ebreaks come
    /// here until they are started anew, and are the guest's.
    void forget_breakpoints(bool at_rest);

  private:
    template <class Visitor>
    [[nodiscard]] std::uint64_t for_each_piece(std::uint32_t cpu, std::uint64_t address,
                                               std::uint64_t size, Visitor visit) const;
    [[nodiscard]] std::optional<GuestPhys> find_code(std::uint32_t cpu,
                                                     std::uint64_t address) const;
    void take_ebreaks(bool wanted);
    [[nodiscard]] bool stop_after_step(std::uint32_t cpu, std::uint64_t address);
    [[nodiscard]] bool write_fp(std::uint32_t cpu, std::uint32_t number, std::uint64_t value);

    Vm& vm_;
    DebugState& state_;
};

}  // namespace cairn
