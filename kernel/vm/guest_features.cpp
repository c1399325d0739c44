// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_features.hpp"

#include "kernel/arch/csr.hpp"

namespace cairn {

std::uint64_t henvcfg_for(const GuestFeatures& features) {
    return Henvcfg::STCE::of(features.sstc) | Henvcfg::PBMTE::of(features.svpbmt) |
           Henvcfg::CBZE::of(features.zicboz) | Henvcfg::CBCFE::of(features.zicbom) |
           // A guest that invalidates could see what was there before it: give it a flush.
           Henvcfg::CBIE::of(features.zicbom ? CboInval::flush : CboInval::trap);
}

}  // namespace cairn
