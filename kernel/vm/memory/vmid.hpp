// SPDX-License-Identifier: MIT
// VMIDs: the tags by which a hart tells one VM's translations from another's (Privileged
// Architecture, "Hypervisor Guest Address Translation and Protection (hgatp) Register"). A VM
// keeps its number until its translations are other ones (a reset), so that its start flushes
// nothing. A number
// that is given back is stale: harts may still hold translations of its last VM. Clean ones are
// given out first; when none is left, all stale ones become clean at once, in a new generation, and
// a hart flushes before it runs a VM of a generation that it has not flushed for:
//
//     generation 1                        2
//     take 1, take 2, give 1, take 3, ... │ take 1 again ...
//     hart:  flush, run 1, run 2, run 3   │ run 2 and 3 as they are; before 1, flush
//
// Pure. No locking: the owner starts and ends VMs one by one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

namespace cairn {

struct Vmid {
    std::uint16_t number = 0;
    std::uint64_t generation = 0;  ///< a hart that last flushed for an older one must flush
    bool operator==(const Vmid&) const = default;
};

class VmidAllocator {
  public:
    /// More are not used, though harts may keep 14: a flush after every thousandth VM costs
    /// nothing.
    static constexpr unsigned max_bits = 10;

    /// For harts whose hgatp keeps `bits` (VMIDLEN, 0 to 14) of a VMID. Without any, there is
    /// one number, and each VM that has it is a generation of its own.
    explicit constexpr VmidAllocator(unsigned bits)
        : count_(1u << std::min(bits, max_bits)), next_(first_number()), generation_(1) {}
    /// Has no numbers to give, until `init`.
    constexpr VmidAllocator() = default;
    VmidAllocator(const VmidAllocator&) = delete;
    VmidAllocator& operator=(const VmidAllocator&) = delete;

    /// Starts again for harts that keep `bits`; no VM has a number.
    void init(unsigned bits);

    /// How many bits of hgatp.VMID the numbers need.
    [[nodiscard]] constexpr unsigned bits() const {
        return static_cast<unsigned>(std::countr_zero(count_));
    }
    /// A number for a VM; nothing where each is some VM's.
    [[nodiscard]] std::optional<Vmid> take();
    /// The VM is gone, and no hart's hgatp names it any more (HartLoop::take_out).
    void give(const Vmid& vmid);

  private:
    enum class State : std::uint8_t { clean, taken, stale };
    [[nodiscard]] std::optional<Vmid> take_clean();
    /// 0 is left to harts that run nobody, where there are others.
    [[nodiscard]] constexpr std::uint32_t first_number() const { return count_ > 1 ? 1 : 0; }

    std::uint32_t count_ = 0;  ///< of numbers, from 0
    std::uint32_t next_ = 0;   ///< all below are not clean
    std::uint64_t generation_ = 0;
    std::array<State, 1u << max_bits> states_{};
};

/// A VM's number, given back when the VM goes.
class VmidLease {
  public:
    /// `from` outlives it.
    VmidLease(VmidAllocator& from, const Vmid& vmid) : from_(&from), vmid_(vmid) {}
    VmidLease(VmidLease&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), vmid_(other.vmid_) {}
    VmidLease& operator=(VmidLease&& other) = delete;
    ~VmidLease() {
        if (from_ != nullptr) from_->give(vmid_);
    }
    /// Another number, for a VM whose translations are other ones from now on. No hart runs it.
    void renew() {
        from_->give(vmid_);
        // There is one: at worst the same, in a new generation.
        if (const auto other = from_->take()) vmid_ = *other;
    }
    [[nodiscard]] const Vmid& vmid() const { return vmid_; }

  private:
    VmidAllocator* from_;
    Vmid vmid_;
};

/// What one hart remembers: for which generation it has flushed.
class VmidFlushes {
  public:
    /// Whether this hart is to forget all G-stage translations before it runs `vmid`; asked once
    /// for each time.
    [[nodiscard]] bool must_flush_for(const Vmid& vmid) {
        if (flushed_ >= vmid.generation) return false;
        flushed_ = vmid.generation;
        return true;
    }

  private:
    std::uint64_t flushed_ = 0;
};

}  // namespace cairn
