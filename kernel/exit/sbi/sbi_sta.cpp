// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "Steal-time Accounting Extension".
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t none = ~std::uint64_t{0};

}  // namespace

SbiResult sbi_sta(Vm& vm, Vcpu& vcpu, SbiCall call) {
    if (static_cast<SbiSta>(call.function) != SbiSta::steal_time_set_shmem) {
        return sbi_error(SbiError::not_supported);
    }
    const auto [low, high, flags] =
        std::array{call.arguments[0], call.arguments[1], call.arguments[2]};
    if (flags != 0) return sbi_error(SbiError::invalid_param);
    if (low == none && high == none) {
        vcpu.steal_time().stop();
        return sbi_success();
    }
    if (low % sizeof(StealTime::Report) != 0) return sbi_error(SbiError::invalid_param);
    if (high != 0 || !vcpu.steal_time().report_at(GuestPhys{low}, vm.memory())) {
        return sbi_error(SbiError::invalid_address);
    }
    return sbi_success();
}

}  // namespace cairn
