// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/guest_translations.hpp"

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/guest/hart_operations.hpp"

namespace cairn {

void GuestTranslations::init(std::size_t harts) {
    alone_ = harts == 1;
    if (alone_) return;
    const SbiResult probed =
        sbi_call(SbiExtension::base, SbiBase::probe_extension, SbiExtension::rfence);
    reachable_ = probed.ok() && probed.value != 0;
}

void GuestTranslations::forget(std::uint64_t address, std::uint64_t size) {
    if (alone_) {
        fence_i();
        return hfence_gvma_all();
    }
    constexpr std::uint64_t all_harts = ~std::uint64_t{0};  // as hart_mask_base
    (void)sbi_call(SbiExtension::rfence, SbiRfence::remote_fence_i, 0u, all_harts);
    (void)sbi_call(SbiExtension::rfence, SbiRfence::remote_hfence_gvma, 0u, all_harts, address,
                   size);
}

}  // namespace cairn
