// SPDX-License-Identifier: MIT
// What a debugger looks at, as GdbServer sees it: CPUs numbered from 0 that stand still while it is
// asked anything, their registers by the numbers of kernel/manager/gdb/register_file.hpp, and
// memory as one CPU sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <cairn/writer.hpp>
#include "kernel/vm/memory/debug_points.hpp"

namespace cairn {

class DebugTarget {
  public:
    [[nodiscard]] virtual std::uint32_t cpus() const = 0;
    /// A few words for people.
    virtual void describe(std::uint32_t cpu, Writer& out) const = 0;

    [[nodiscard]] virtual std::optional<std::uint64_t> read_register(std::uint32_t cpu,
                                                                     std::uint32_t number) = 0;
    [[nodiscard]] virtual bool write_register(std::uint32_t cpu, std::uint32_t number,
                                              std::uint64_t value) = 0;

    /// Bytes of each of v0 to v31; 0: there are none.
    [[nodiscard]] virtual std::uint32_t vector_register_bytes() const = 0;
    /// v`number`, below 32.
    virtual void read_vector(std::uint32_t cpu, std::uint32_t number, std::span<std::byte> to) = 0;
    virtual void write_vector(std::uint32_t cpu, std::uint32_t number,
                              std::span<const std::byte> from) = 0;

    /// By virtual address, as CPU `cpu` translates it, or else by physical address.
    virtual void use_physical(bool physical) = 0;
    /// How many of the bytes, from the first on, could be read.
    [[nodiscard]] virtual std::size_t read_memory(std::uint32_t cpu, std::uint64_t address,
                                                  std::span<std::byte> to) = 0;
    /// All or, where it is false, a part of them.
    [[nodiscard]] virtual bool write_memory(std::uint32_t cpu, std::uint64_t address,
                                            std::span<const std::byte> from) = 0;

    /// A breakpoint at `address`, as CPU `cpu` translates it: that place in memory has it for all
    /// CPUs. False where there can be none.
    [[nodiscard]] virtual bool insert_breakpoint(std::uint32_t cpu, std::uint64_t address) = 0;
    /// Where it was inserted, whatever the address leads to now.
    [[nodiscard]] virtual bool remove_breakpoint(std::uint64_t address) = 0;
    /// A watchpoint, the same way: a CPU that accesses one of the bytes stops.
    [[nodiscard]] virtual bool insert_watchpoint(std::uint32_t cpu, const WatchedBytes& bytes,
                                                 WatchKind kind) = 0;
    virtual void remove_watchpoint(const WatchedBytes& bytes, WatchKind kind) = 0;
    /// When the target runs the next time, CPU `cpu` does, and no other.
    virtual void run_alone(std::uint32_t cpu) = 0;
    /// From now on CPU `cpu` runs for one instruction when the target runs, and no other does.
    /// False where that cannot be.
    [[nodiscard]] virtual bool begin_step(std::uint32_t cpu) = 0;

  protected:
    ~DebugTarget() = default;
};

}  // namespace cairn
