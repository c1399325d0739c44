// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// SBI specification, chapter "Legacy Extensions": those that old guests need for time, console and
// power-off. The remote fences and IPIs by pointer are left out; their successors are there.
#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {

SbiResult sbi_legacy(Vm& vm, Vcpu& vcpu, SbiExtension extension, SbiCall call) {
    switch (extension) {
        case SbiExtension::legacy_set_timer:
            set_guest_timer(vcpu, call.arguments[0]);
            return sbi_success();
        case SbiExtension::legacy_console_putchar:
            if (!put_byte(vm, call)) return sbi_again(vcpu, call);
            return sbi_success();
        case SbiExtension::legacy_console_getchar: {
            const DeviceGuard guard(vm.device_lock());
            const auto byte = vm.take_typed();
            return {byte ? std::to_integer<long>(*byte) : -1, 0};
        }
        case SbiExtension::legacy_clear_ipi: {
            const bool pending = vcpu.software_interrupt().is_asserted();
            vcpu.software_interrupt().set(false);
            return {pending ? 1 : 0, 0};
        }
        case SbiExtension::legacy_shutdown: vm.power_off(false, 0); return sbi_success();
        default: return sbi_error(SbiError::not_supported);
    }
}

}  // namespace cairn
