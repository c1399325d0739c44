// SPDX-License-Identifier: MIT
// SBI specification, chapter "RFENCE Extension". A fence of everything is a correct fence of any
// range and address space. Harts that do not run are passed over: each fences everything when it
// begins. Guests have no H extension, so the hfence calls are not supported.
#include <array>
#include <bit>

#include "kernel/arch/hart_operations.hpp"
#include "kernel/exit/host_wait.hpp"
#include "kernel/exit/sbi.hpp"
#include "kernel/exit/sbi_harts.hpp"

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

/// Has all `harts` fence, and comes back when they have.
[[gnu::noinline]] void fence_remotely(Vm& vm, Vcpu& vcpu, HartSet harts, SbiRfence function) {
    const bool instructions = function == SbiRfence::remote_fence_i;
    std::array<std::uint64_t, Vm::max_cpus> tickets;
    HartSet asked = 0;
    IpiBatch batch;
    std::atomic_thread_fence(std::memory_order_seq_cst);  // what the guest stored, then: who runs?
    for (HartSet left = harts; left != 0; left &= left - 1) {
        const auto hart = static_cast<std::uint32_t>(std::countr_zero(left));
        if (!vm.harts().is_running(hart)) continue;
        tickets[hart] = vm.vcpu(hart).ask_fence(instructions);
        vm.vcpu(hart).request(Request::fence, batch);
        asked |= HartSet{1} << hart;
        count_request(vcpu, vm.vcpu(hart), function);
    }
    batch.send();
    for (; asked != 0; asked &= asked - 1) {
        const auto hart = static_cast<std::uint32_t>(std::countr_zero(asked));
        wait_for_fence(vm, vcpu, vm.vcpu(hart), instructions, tickets[hart]);
    }
}

}  // namespace

SbiResult sbi_rfence(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const auto function = static_cast<SbiRfence>(call.function);
    if (function > SbiRfence::remote_sfence_vma_asid) return sbi_error(SbiError::not_supported);
    const bool instructions = function == SbiRfence::remote_fence_i;
    const HartSet own = vcpu.context.self_mask;
    HartSet harts = own;
    if (call.arguments[0] != own || call.arguments[1] != 0) {
        const auto selected = select_harts(call.arguments[0], call.arguments[1], vm.cpus());
        if (!selected) return sbi_error(SbiError::invalid_param);
        harts = *selected;
    }
    if ((harts & own) != 0) {
        if (instructions) {
            fence_i();
        } else {
            hfence_vvma_all();
        }
    }
    if ((harts & ~own) != 0) fence_remotely(vm, vcpu, harts & ~own, function);
    return sbi_success();
}

}  // namespace cairn
