// SPDX-License-Identifier: MIT
// Interrupts to harts of the machine, gathered: ids that lie within 64 of each other go out in one
// call of the firmware. Fire and forget: a hart that is here can be interrupted.
#pragma once

#include <cstdint>

#include "kernel/arch/sbi_call.hpp"

namespace cairn {

class IpiBatch {
  public:
    IpiBatch() = default;
    IpiBatch(const IpiBatch&) = delete;
    IpiBatch& operator=(const IpiBatch&) = delete;
    ~IpiBatch() { send(); }

    void add(std::uint64_t hart) {
        if (mask_ != 0 && (hart < base_ || hart - base_ >= 64)) send();
        if (mask_ == 0) base_ = hart;
        mask_ |= std::uint64_t{1} << (hart - base_);
    }
    void send() {
        if (mask_ != 0) sbi_call(SbiExtension::ipi, SbiIpi::send_ipi, mask_, base_);
        mask_ = 0;
    }

  private:
    std::uint64_t mask_ = 0;
    std::uint64_t base_ = 0;
};

}  // namespace cairn
