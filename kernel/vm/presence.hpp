// SPDX-License-Identifier: MIT
// Which vCPUs of a VM lie in a hart of the machine, whether the VM is paused, and by how much the
// guest's `time` is behind the machine's: what it was paused for. A vCPU has the lag in its hart's
// htimedelta, so that none may lie in a hart while the lag changes:
//
//     VM table                                 hart of a vCPU
//     begin_pause                              arrive, with the lag of now
//     note: no guest runs after this time      is it paused? then without entering the guest:
//     end_pause: is any here? then not yet       note: its guest has not run after this time
//       the lag grows                            leave
//       is any here now? then as it was, not yet
//       it is not paused any more
//
// Whoever arrives behind the last look finds the new lag; before it, is seen by it, and finds that
// the VM is paused. kernel/vm/presence_test.cpp walks all interleavings. Pure: a test chooses what
// is atomic.
#pragma once

#include <atomic>
#include <cstdint>

namespace cairn {

template <template <class> class Atomic = std::atomic>
class Presence {
  public:
    using Set = std::uint64_t;  ///< bit n for vCPU n

    // Of the VM's owner, one call after the other.
    /// No vCPU runs. A VM that is paused may stay so: its guest's time, too.
    void reset(bool stays_paused) {
        if (!stays_paused) paused_.store(false);
        lag_.store(0);
    }
    /// vCPUs are to leave from now on. Then `note` by a `time` that is read behind this.
    void begin_pause() { paused_.store(true, std::memory_order_seq_cst); }
    /// At `time`; false where some vCPU has not left yet.
    [[nodiscard]] bool end_pause(std::uint64_t time) {
        if (loaded() != 0) return false;
        const std::uint64_t since = since_.load(std::memory_order_seq_cst);
        const std::uint64_t paused_for = time > since ? time - since : 0;
        lag_.fetch_add(paused_for, std::memory_order_seq_cst);
        if (loaded() != 0) {
            lag_.fetch_sub(paused_for, std::memory_order_seq_cst);
            return false;
        }
        paused_.store(false, std::memory_order_seq_cst);
        return true;
    }

    // Of the hart of a vCPU.
    /// Who looks finds it here from now on; what was stored before that is seen behind this, the
    /// lag that is returned too.
    std::uint64_t arrive(std::uint32_t vcpu) {
        loaded_.fetch_or(Set{1} << vcpu);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return lag();
    }
    void leave(std::uint32_t vcpu) { loaded_.fetch_and(~(Set{1} << vcpu)); }

    // Of any hart.
    /// The guest does not run from `time` on, at least as far as the caller knows.
    void note(std::uint64_t time) {
        std::uint64_t since = since_.load(std::memory_order_relaxed);
        while (since < time && !since_.compare_exchange_weak(since, time)) {
        }
    }
    [[nodiscard]] bool is_paused() const { return paused_.load(std::memory_order_acquire); }
    [[nodiscard]] Set loaded() const { return loaded_.load(std::memory_order_seq_cst); }
    [[nodiscard]] std::uint64_t lag() const { return lag_.load(std::memory_order_relaxed); }

  private:
    Atomic<Set> loaded_ = 0;
    Atomic<bool> paused_ = false;
    Atomic<std::uint64_t> since_ = 0;  ///< when the last vCPU was put away
    Atomic<std::uint64_t> lag_ = 0;
};

}  // namespace cairn
