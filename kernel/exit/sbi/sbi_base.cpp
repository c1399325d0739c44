// SPDX-License-Identifier: MIT
// SBI specification, chapter "Base Extension". All functions must succeed.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

/// "Cairn" has no number in the specification's list of implementations; this one is out of its
/// way.
constexpr std::uint64_t implementation_id = 0x4341'4952;  // "CAIR"
constexpr std::uint64_t implementation_version =
    0x0000'0100;  // 0.1.0: major.minor.patch, 8 bits each

}  // namespace

SbiResult sbi_base(Vm& vm, Vcpu&, SbiCall call) {
    switch (static_cast<SbiBase>(call.function)) {
        case SbiBase::get_spec_version: return sbi_success(guest_sbi_version);
        case SbiBase::get_impl_id: return sbi_success(implementation_id);
        case SbiBase::get_impl_version: return sbi_success(implementation_version);
        case SbiBase::probe_extension: return sbi_success(sbi_extension_present(call.arguments[0]));
        case SbiBase::get_mvendorid: return sbi_success(vm.machine_ids().vendor);
        case SbiBase::get_marchid: return sbi_success(vm.machine_ids().architecture);
        case SbiBase::get_mimpid: return sbi_success(vm.machine_ids().implementation);
    }
    return sbi_error(SbiError::not_supported);
}

}  // namespace cairn
