// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "Steal-time Accounting Extension". A vCPU has its hart for itself:
// nothing is ever stolen from it, and it is never withheld from running. So the structure is true
// as it is made, all zeroes (sequence even, steal 0, not preempted), and nothing needs to remember
// it.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t structure_size = 64;
constexpr std::uint64_t none = ~std::uint64_t{0};

}  // namespace

SbiResult sbi_sta(Vm& vm, Vcpu&, SbiCall call) {
    if (static_cast<SbiSta>(call.function) != SbiSta::steal_time_set_shmem) {
        return sbi_error(SbiError::not_supported);
    }
    const auto [low, high, flags] =
        std::array{call.arguments[0], call.arguments[1], call.arguments[2]};
    if (flags != 0) return sbi_error(SbiError::invalid_param);
    if (low == none && high == none) return sbi_success();
    if (low % structure_size != 0) return sbi_error(SbiError::invalid_param);
    if (high != 0 || !vm.memory().fill(GuestPhys{low}, structure_size, std::byte{0})) {
        return sbi_error(SbiError::invalid_address);
    }
    return sbi_success();
}

}  // namespace cairn
