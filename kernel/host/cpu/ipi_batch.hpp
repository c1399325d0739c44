// SPDX-License-Identifier: MIT
// Interrupts to harts of the machine. Where the machine has an SSWI, each is one store to the
// hart's register; else they are gathered, and ids that lie within 64 of each other go out in one
// call of the firmware, which takes ten times as long. Fire and forget: a hart that is here can be
// interrupted. What the caller stored before is seen by the hart that is interrupted.
#pragma once

#include <cstdint>

#include "kernel/arch/address.hpp"
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"

namespace cairn {

/// A hart of the machine, and how it is interrupted.
struct IpiTarget {
    std::uint64_t hart = 0;
    HostPhys set_ssip{};  ///< its register of an SSWI; 0: the firmware has to be asked
};

class IpiBatch {
  public:
    IpiBatch() = default;
    IpiBatch(const IpiBatch&) = delete;
    IpiBatch& operator=(const IpiBatch&) = delete;
    ~IpiBatch() { send(); }

    void add(const IpiTarget& target) {
        if (target.set_ssip.value != 0) {
            fence_memory_before_devices();
            *reinterpret_cast<volatile std::uint32_t*>(target.set_ssip.value) = 1;
        } else {
            gather(target.hart);
        }
    }
    void send() {
        if (mask_ != 0) sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, mask_, base_);
        mask_ = 0;
    }

  private:
    void gather(std::uint64_t hart) {
        if (mask_ != 0 && (hart < base_ || hart - base_ >= 64)) send();
        if (mask_ == 0) base_ = hart;
        mask_ |= std::uint64_t{1} << (hart - base_);
    }

    std::uint64_t mask_ = 0;
    std::uint64_t base_ = 0;
};

/// Interrupts one hart.
inline void send_ipi(const IpiTarget& target) {
    IpiBatch().add(target);
}

}  // namespace cairn
