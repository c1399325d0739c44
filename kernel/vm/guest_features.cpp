// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/guest_features.hpp"

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/firmware/sbi_features.hpp"
#include "kernel/arch/isa/csr.hpp"
#include "kernel/arch/isa/isa_string.hpp"

namespace cairn {
namespace {

/// Firmware without FWFT says that it is not supported, and does as it does.
void ask_for(SbiFeature feature) {
    (void)sbi_call(SbiExtension::fwft, SbiFwft::set, feature, 1u, 0u);
}

}  // namespace

void let_guests_choose_features(const IsaSet& isa) {
    if (isa.contains(IsaExtension::svadu)) ask_for(SbiFeature::pte_ad_hw_updating);
    if (!isa.contains(IsaExtension::v)) ask_for(SbiFeature::misaligned_exc_deleg);
}

std::uint64_t henvcfg_for(const GuestFeatures& features) {
    // A guest's fences of I/O are of the memory, too, where it reads registers (RegisterPage).
    return Henvcfg::FIOM::of(features.fiom) | Henvcfg::STCE::of(features.sstc) |
           Henvcfg::PBMTE::of(features.svpbmt) | Henvcfg::CBZE::of(features.zicboz) |
           Henvcfg::CBCFE::of(features.zicbom) |
           // A guest that invalidates could see what was there before it: give it a flush.
           Henvcfg::CBIE::of(features.zicbom ? CboInval::flush : CboInval::trap);
}

}  // namespace cairn
