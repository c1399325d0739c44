// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/guest_features.hpp"

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/firmware/sbi_features.hpp"
#include "kernel/arch/isa/csr.hpp"

namespace cairn {

void let_guests_choose_ad_updates() {
    // Firmware without FWFT says that it is not supported, and has it open or not.
    sbi_call(SbiExtension::fwft, SbiFwft::set,
             static_cast<std::uint64_t>(SbiFeature::pte_ad_hw_updating), 1u, 0u);
}

std::uint64_t henvcfg_for(const GuestFeatures& features) {
    return Henvcfg::STCE::of(features.sstc) | Henvcfg::PBMTE::of(features.svpbmt) |
           Henvcfg::CBZE::of(features.zicboz) | Henvcfg::CBCFE::of(features.zicbom) |
           // A guest that invalidates could see what was there before it: give it a flush.
           Henvcfg::CBIE::of(features.zicbom ? CboInval::flush : CboInval::trap);
}

}  // namespace cairn
