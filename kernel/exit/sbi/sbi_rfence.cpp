// SPDX-License-Identifier: MIT
// SBI specification, chapter "RFENCE Extension". vCPUs that lie in no hart of the machine are
// passed over: each forgets everything when it is loaded. Guests have no H extension, so the hfence
// calls are not supported.
#include <array>
#include <bit>

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/exit/sbi/sbi_calls.hpp"
#include "kernel/exit/sbi/sbi_harts.hpp"

namespace cairn {
namespace {

/// A request to fence, for who sends it and who gets it.
void count_request(Vcpu& sender, Vcpu& receiver, SbiRfence function) {
    using enum SbiFirmwareEvent;
    constexpr std::array sent{fence_i_sent, sfence_vma_sent, sfence_vma_asid_sent};
    constexpr std::array received{fence_i_received, sfence_vma_received, sfence_vma_asid_received};
    sender.pmu().count(sent[static_cast<std::size_t>(function)]);
    receiver.pmu().count(received[static_cast<std::size_t>(function)]);
}

/// Those that run, but lie in no hart of the machine: they have fenced when they run again.
void count_those_away(Vm& vm, Vcpu& sender, HartSet harts, SbiRfence function) {
    for (HartSet left = harts; left != 0; left &= left - 1) {
        const auto hart = static_cast<std::uint32_t>(std::countr_zero(left));
        if (vm.harts().is_running(hart)) count_request(sender, vm.vcpu(hart), function);
    }
}

Fence fence_of(SbiRfence function, SbiCall call) {
    if (function == SbiRfence::remote_fence_i) return {};
    const std::uint64_t address_space = function == SbiRfence::remote_sfence_vma_asid
                                            ? call.arguments[4]
                                            : Fence::every_address_space;
    return fence_of_translations(call.arguments[2], call.arguments[3], address_space);
}

void fence_remotely(Vm& vm, Vcpu& vcpu, HartSet harts, SbiRfence function, const Fence& fence) {
    std::atomic_thread_fence(
        std::memory_order_seq_cst);  // what the guest stored, then: who is loaded?
    const HartSet targets = harts & vm.loaded();
    count_those_away(vm, vcpu, harts & ~targets, function);
    vcpu.fence_mail().post(fence, targets);
    IpiBatch batch;
    for (HartSet left = targets; left != 0; left &= left - 1) {
        Vcpu& target = vm.vcpu(static_cast<std::uint32_t>(std::countr_zero(left)));
        target.fence_mail().ask(vcpu.context.hart_id);
        target.request(Request::fence, batch);
        count_request(vcpu, target, function);
    }
    batch.send();
    if (!vcpu.is_fence_done()) vcpu.leave_to_wait();
}

/// Has all `harts` fence; the guest goes on when they have (kernel/sched/).
/// Shaped for: "SBI remote fence to itself".
[[gnu::noinline]] void fence_harts(Vm& vm, Vcpu& vcpu, HartSet harts, SbiRfence function,
                                   SbiCall call) {
    const HartSet own = vcpu.context.self_mask;
    const Fence fence = fence_of(function, call);
    if ((harts & own) != 0) carry_out(fence);
    if ((harts & ~own) != 0) fence_remotely(vm, vcpu, harts & ~own, function, fence);
}

/// Whether the call is about the hart at hand alone, in the usual form.
bool is_own(const Vcpu& vcpu, SbiCall call) {
    return call.arguments[0] == vcpu.context.self_mask && call.arguments[1] == 0;
}

/// Of the hart at hand alone, the commonest first.
void fence_here(SbiRfence function, SbiCall call) {
    if (function == SbiRfence::remote_fence_i) return fence_i();
    if (function == SbiRfence::remote_sfence_vma && call.arguments[3] == ~std::uint64_t{0}) {
        return hfence_vvma_all();
    }
    carry_out(fence_of(function, call));
}

}  // namespace

SbiResult sbi_rfence(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const auto function = static_cast<SbiRfence>(call.function);
    if (function > SbiRfence::remote_sfence_vma_asid) return sbi_error(SbiError::not_supported);
    if (is_own(vcpu, call)) {
        fence_here(function, call);
        return sbi_success();
    }
    const auto harts = select_harts(call.arguments[0], call.arguments[1], vm.cpus());
    if (!harts) return sbi_error(SbiError::invalid_param);
    fence_harts(vm, vcpu, *harts, function, call);
    return sbi_success();
}

}  // namespace cairn
