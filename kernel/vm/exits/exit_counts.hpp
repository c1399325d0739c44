// SPDX-License-Identifier: MIT
// How often a VM leaves its guest and what that takes, by cause (kernel/vm/exits/exit_cause.hpp).
// Only where somebody wants to know, by the boot option exits=count or by a trace: the world switch
// then answers nothing itself (watched_guest_exit), so that every exit passes here; else nothing is
// slower by an instruction. Any of the VM's harts may add.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/vm/exits/exit_cause.hpp"

namespace cairn {

class ExitCounts {
  public:
    struct Count {
        ExitCause cause;
        std::uint64_t exits = 0;
        std::uint64_t instructions = 0;  ///< of the host's for all of them
        std::uint32_t most = 0;          ///< for the dearest
    };

    /// One more exit, which took so many instructions of the host; 0 where nobody counts those.
    void add(const ExitCause& cause, std::uint32_t instructions);

    /// Calls `visit` for each cause, the most frequent first, as it is at this moment: exits do not
    /// wait for it.
    template <class Visitor>
    void visit(Visitor visit) {
        const Counts counts = sorted();
        for (const Count& count : counts)
            visit(count);
    }
    /// Exits of causes that there was no room for.
    [[nodiscard]] std::uint64_t others();

    /// The log's table, most frequent first.
    void print(std::string_view vm_name);

  private:
    static constexpr std::size_t max_causes = 48;

    using Counts = static_vector<Count, max_causes>;

    [[nodiscard]] Counts sorted();

    Spinlock lock_;
    Counts counts_ CAIRN_GUARDED_BY(lock_);
    std::uint64_t others_ CAIRN_GUARDED_BY(lock_) = 0;
};

}  // namespace cairn
