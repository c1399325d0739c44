// SPDX-License-Identifier: MIT
// Where a guest wants to see how long its vCPU could run and had no hart: in its own memory (SBI
// specification, chapter "Steal-time Accounting Extension"). Used by who has the vCPU: the hart
// that runs it, or is about to.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/arch/address.hpp"
#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn {

class StealTime {
  public:
    /// The structure that the guest sees, little-endian; `sequence` is odd while `steal` changes.
    /// All that is known lies there: a guest that writes to it deceives itself.
    struct Report {
        std::uint32_t sequence = 0;
        std::uint32_t flags = 0;
        std::uint64_t steal = 0;     ///< ns
        std::uint8_t preempted = 0;  ///< or 1: it could run, and another has its hart
        std::uint8_t pad[47] = {};
    };
    static_assert(sizeof(Report) == 64);

    /// From now on, in RAM at `at`, a multiple of its size.
    [[nodiscard]] std::expected<void, GuestMemoryError> report_at(GuestPhys at,
                                                                  const GuestMemory& memory);
    void stop() { at_ = nowhere; }
    [[nodiscard]] bool is_told() const { return at_ != nowhere; }

    /// Its hart is taken from it.
    void note_preemption(const GuestMemory& memory) const;
    /// It is about to run, and has waited for it for `ns`.
    void note_run(std::uint64_t ns, const GuestMemory& memory) const;

  private:
    static constexpr GuestPhys nowhere{~std::uint64_t{0}};  // no address of a structure

    GuestPhys at_ = nowhere;
};

}  // namespace cairn
