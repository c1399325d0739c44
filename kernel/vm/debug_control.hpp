// SPDX-License-Identifier: MIT
// What a debugger has said of a VM's vCPUs, for those who run them: whether ebreaks are Cairn's to
// look at, who has met a breakpoint, and whether one vCPU alone runs. Any hart asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace cairn {

class DebugControl {
  public:
    /// Whether a vCPU that starts from now on has its ebreaks come here.
    void take_ebreaks(bool wanted) { takes_ebreaks_.store(wanted); }
    [[nodiscard]] bool takes_ebreaks() const { return takes_ebreaks_.load(); }

    /// The first counts; the others meet theirs again.
    void met(std::uint32_t vcpu) {
        std::uint32_t expected = nobody;
        met_.compare_exchange_strong(expected, vcpu);
    }
    [[nodiscard]] bool has_met() const { return met_.load() != nobody; }
    [[nodiscard]] std::optional<std::uint32_t> take_met() {
        const std::uint32_t vcpu = met_.exchange(nobody);
        return vcpu == nobody ? std::nullopt : std::optional(vcpu);
    }

    /// The VM does not run meanwhile, or is interrupted behind it.
    void run_alone(std::optional<std::uint32_t> vcpu) { alone_.store(vcpu.value_or(nobody)); }
    /// Whether vCPU `vcpu` does not run though the VM does.
    [[nodiscard]] bool holds(std::uint64_t vcpu) const {
        const std::uint32_t alone = alone_.load(std::memory_order_relaxed);
        return alone != nobody && alone != vcpu;
    }

  private:
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};

    std::atomic<bool> takes_ebreaks_ = false;
    std::atomic<std::uint32_t> met_ = nobody;
    std::atomic<std::uint32_t> alone_ = nobody;
};

}  // namespace cairn
