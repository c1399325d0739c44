// SPDX-License-Identifier: MIT
// Fences of a guest's harts, as SBI RFENCE asks for them, and how one vCPU has others fence:
//
//     sender                                   each target, on its own hart
//     post(fence, targets)
//     ask() each target, ring its bell         take() who asks
//     until all_have_fenced()                  carry_out() each one's fence, then report()
//
// A target that lies in no hart need not fence: it forgets everything when it is loaded. Where it
// was put away with a letter in its mail, the sender takes that back:
//
//     withdraw() from the target               (away)
//       true:  report() in its name
//       false: it is being loaded             take(); forget everything; report()
//
// A vCPU has one fence out at a time, as its guest waits for the call's end; so it lies with the
// sender, and targets read it there. kernel/vm/vcpu/doorbell_test.cpp walks the interleavings.
// Pure.
#pragma once

#include <atomic>
#include <cstdint>

namespace cairn {

/// What is to be forgotten: fetched instructions; or VS-stage translations of one address space or
/// all, at some addresses or all.
struct Fence {
    enum class Kind : std::uint8_t { instructions, translations };
    static constexpr std::uint64_t every_address_space = ~std::uint64_t{0};

    Kind kind = Kind::instructions;
    std::uint32_t pages = 0;  ///< of 4 KiB, from `start`; 0: all addresses
    std::uint64_t start = 0;  ///< on a page
    std::uint64_t address_space = every_address_space;  ///< an ASID
    bool operator==(const Fence&) const = default;
};

/// The fence of translations that `start` and `size` (bytes) of an SBI call mean ("RFENCE
/// Extension", introduction). One of many pages becomes one of all: a hart forgets everything
/// faster than many pages one by one, and no guest can hold it long.
[[nodiscard]] Fence fence_of_translations(std::uint64_t start, std::uint64_t size,
                                          std::uint64_t address_space = Fence::every_address_space);

/// Fences the hart at hand, for the VMID in its hgatp.
void carry_out(const Fence& fence);

class FenceMail {
  public:
    /// A set of a VM's vCPUs by number, bit n for vCPU n.
    using Set = std::uint64_t;

    // The sender's side.
    void post(const Fence& fence, Set targets) {
        fence_ = fence;
        awaited_.store(targets, std::memory_order_relaxed);
    }
    /// Those who have not yet fenced.
    [[nodiscard]] Set awaited() const { return awaited_.load(std::memory_order_acquire); }
    [[nodiscard]] bool all_have_fenced() const { return awaited() == 0; }

    // The target's side: `ask` is called by a sender that has posted; it rings the bell then.
    void ask(std::uint32_t sender) {
        senders_.fetch_or(Set{1} << sender, std::memory_order_seq_cst);
    }
    [[nodiscard]] Set take() {
        if (senders_.load(std::memory_order_relaxed) == 0) return 0;
        return senders_.exchange(0, std::memory_order_seq_cst);
    }

    /// At a target that lies in no hart: takes back what `sender` asked; false where it has been
    /// taken already.
    [[nodiscard]] bool withdraw(std::uint32_t sender) {
        const Set own = Set{1} << sender;
        return (senders_.fetch_and(~own, std::memory_order_seq_cst) & own) != 0;
    }

    // At a sender's, for a target that has taken it.
    [[nodiscard]] const Fence& fence() const { return fence_; }
    void report(std::uint32_t target) {
        awaited_.fetch_and(~(Set{1} << target), std::memory_order_release);
    }

  private:
    Fence fence_;
    std::atomic<Set> awaited_{0};
    std::atomic<Set> senders_{0};
};

}  // namespace cairn
