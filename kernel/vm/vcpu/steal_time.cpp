// SPDX-License-Identifier: MIT
// Where RAM cannot be reached any more, for want of memory, the guest is told nothing.
#include "kernel/vm/vcpu/steal_time.hpp"

#include <atomic>
#include <cstddef>

namespace cairn {

std::expected<void, GuestMemoryError> StealTime::report_at(GuestPhys at,
                                                           const GuestMemory& memory) {
    const auto written = memory.store(at, Report{});
    if (written) at_ = at;
    return written;
}

void StealTime::note_preemption(const GuestMemory& memory) const {
    if (is_told()) (void)memory.store(at_ + offsetof(Report, preempted), std::uint8_t{1});
}

/// The guest's other vCPUs may read meanwhile.
void StealTime::note_run(std::uint64_t ns, const GuestMemory& memory) const {
    if (!is_told()) return;
    const Report before = memory.load<Report>(at_).value_or(Report{});
    const std::uint32_t changing = before.sequence | 1;
    const GuestPhys sequence = at_ + offsetof(Report, sequence);
    (void)memory.store(sequence, changing);
    std::atomic_thread_fence(std::memory_order_release);
    (void)memory.store(at_ + offsetof(Report, steal), before.steal + ns);
    std::atomic_thread_fence(std::memory_order_release);
    (void)memory.store(sequence, changing + 1);
    (void)memory.store(at_ + offsetof(Report, preempted), std::uint8_t{0});
}

}  // namespace cairn
