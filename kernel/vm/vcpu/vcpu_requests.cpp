// SPDX-License-Identifier: MIT
#include "kernel/vm/vcpu/vcpu_requests.hpp"

#include <bit>

#include "kernel/vm/vm.hpp"

namespace cairn {
namespace {

/// Calls `visit` with each vCPU of `set`, by number.
template <class Visit>
void for_each(FenceMail::Set set, Visit visit) {
    for (; set != 0; set &= set - 1)
        visit(static_cast<std::uint32_t>(std::countr_zero(set)));
}

}  // namespace

void VcpuRequests::carry_out_fences(const Vcpu& self) {
    for_each(mail_.take(), [&](std::uint32_t sender) {
        FenceMail& mail = self.vm().vcpu(sender).fence_mail();
        carry_out(mail.fence());
        mail.report(self.context.hart_id);
    });
}

void VcpuRequests::report_to(FenceMail::Set senders, const Vcpu& self) {
    for_each(senders, [&](std::uint32_t sender) {
        self.vm().vcpu(sender).fence_mail().report(self.context.hart_id);
    });
}

bool VcpuRequests::is_fence_done(const Vcpu& self) {
    for_each(mail_.awaited() & ~self.vm().loaded(), [&](std::uint32_t target) {
        if (self.vm().vcpu(target).fence_mail().withdraw(self.context.hart_id))
            mail_.report(target);
    });
    return mail_.all_have_fenced();
}

void VcpuRequests::forget() {
    (void)bell_.answer();
    (void)mail_.take();  // whoever asked has left, too
    mail_.post({}, 0);
}

/// Whoever rings from here on interrupts that hart, or has rung before and is seen by it: it looks
/// at the bell after this.
void VcpuRequests::answer_on(const IpiTarget& host_hart) {
    if (route_ != nullptr) {
        std::atomic_ref(route_->target.set_ssip.value)
            .store(host_hart.set_ssip.value, std::memory_order_relaxed);
        std::atomic_ref(route_->target.hart).store(host_hart.hart, std::memory_order_relaxed);
    }
    host_hart_.store(&host_hart, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace cairn
