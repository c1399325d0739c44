// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "SBI Firmware Features Extension". Two features are there: who handles
// misaligned accesses that the hart does not carry out, the guest or Cairn, and, with Svadu, who
// updates the A and D bits of page tables. The others need extensions that guests are not told of.
#include <expected>

#include "kernel/arch/firmware/sbi_features.hpp"
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

/// The feature's value, or why it has none.
std::expected<std::uint64_t, SbiError> value_of(const Vm& vm, const Vcpu& vcpu,
                                                std::uint32_t feature) {
    if (feature >= sbi_features) return std::unexpected(SbiError::denied);
    switch (static_cast<SbiFeature>(feature)) {
        case SbiFeature::misaligned_exc_deleg: return vcpu.handles_misaligned();
        case SbiFeature::pte_ad_hw_updating:
            if (!vm.features().svadu) break;
            return vcpu.updates_ad_bits();
        case SbiFeature::landing_pad:
        case SbiFeature::shadow_stack:
        case SbiFeature::double_trap:
        case SbiFeature::pointer_masking_pmlen: break;
    }
    return std::unexpected(SbiError::not_supported);
}

/// See kernel/exit/misaligned_access.cpp for those that are not the guest's. Firmware that does not
/// leave them to Cairn (kernel/vm/guest_features.hpp) carries them out whatever the guest wants.
SbiError delegate_misaligned(Vcpu& vcpu, bool to_guest) {
    return vcpu.handle_misaligned(to_guest) ? SbiError::success : SbiError::failed;
}

SbiError let_hart_update(Vcpu& vcpu, bool wanted) {
    if (!vcpu.update_ad_bits(wanted)) return SbiError::failed;
    hfence_vvma_all();  // "Hypervisor Memory-Management Fence Instructions": for ADUE, too
    return SbiError::success;
}

/// `feature` is one that has a value.
SbiError change(Vcpu& vcpu, std::uint32_t feature, std::uint64_t value) {
    return static_cast<SbiFeature>(feature) == SbiFeature::misaligned_exc_deleg
               ? delegate_misaligned(vcpu, value != 0)
               : let_hart_update(vcpu, value != 0);
}

SbiResult set(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const auto feature = static_cast<std::uint32_t>(call.arguments[0]);
    const auto [value, flags] = std::array{call.arguments[1], call.arguments[2]};
    if ((flags & ~sbi_feature_lock) != 0) return sbi_error(SbiError::invalid_param);
    const auto old = value_of(vm, vcpu, feature);
    if (!old) return sbi_error(old.error());
    if (vcpu.is_locked(feature)) return sbi_error(SbiError::denied_locked);  // whatever the value
    if (value > 1) return sbi_error(SbiError::invalid_param);  // all that there are, are switches
    const SbiError error = change(vcpu, feature, value);  // if it is the same, too: nobody minds
    if (error != SbiError::success) return sbi_error(error);
    if ((flags & sbi_feature_lock) != 0) vcpu.lock(feature);
    return sbi_success();
}

}  // namespace

SbiResult sbi_fwft(Vm& vm, Vcpu& vcpu, SbiCall call) {
    switch (static_cast<SbiFwft>(call.function)) {
        case SbiFwft::set: return set(vm, vcpu, call);
        case SbiFwft::get: {
            const auto value = value_of(vm, vcpu, static_cast<std::uint32_t>(call.arguments[0]));
            return value ? sbi_success(*value) : sbi_error(value.error());
        }
    }
    return sbi_error(SbiError::not_supported);
}

}  // namespace cairn
