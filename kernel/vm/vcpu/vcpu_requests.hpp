// SPDX-License-Identifier: MIT
// What a vCPU is asked for, by whom, and which hart of the machine is interrupted for it. Others
// reach a vCPU by this alone: by its bell (kernel/vm/vcpu/doorbell.hpp) and its mail of fences
// (kernel/vm/vcpu/fence.hpp). Doing what is asked for, where it touches the guest's state, is the
// vCPU's (Vcpu::answer). `ask` and `mail` are for any hart, the rest is for the vCPU's own. `self`
// is the vCPU that they belong to.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/host/cpu/ipi_batch.hpp"
#include "kernel/vm/vcpu/doorbell.hpp"
#include "kernel/vm/vcpu/fence.hpp"

namespace cairn {

class Vcpu;

class VcpuRequests {
  public:
    /// Asks for what `requests` say (struct Request); the vCPU's hart is interrupted by `batch`.
    void ask(std::uint32_t requests, IpiBatch& batch) {
        if (!bell_.ring(requests)) return;
        const IpiTarget* const hart = host_hart_.load(std::memory_order_seq_cst);
        if (hart != nullptr) batch.add(*hart);
    }
    [[nodiscard]] FenceMail& mail() { return mail_; }

    [[nodiscard]] Doorbell& bell() { return bell_; }
    [[nodiscard]] bool are_there() const { return bell_.asked() != 0; }
    /// Takes all requests but fences.
    [[nodiscard]] std::uint32_t take() { return bell_.answer(); }
    /// Carries out the fences that it is asked for, on the hart where it lies.
    void carry_out_fences(const Vcpu& self);
    /// The same for `senders`, taken from the mail before the hart forgot everything.
    void report_to(FenceMail::Set senders, const Vcpu& self);
    /// Whether all whom it asked for a fence need no more of it.
    [[nodiscard]] bool is_fence_done(const Vcpu& self);
    void forget();

    /// Who is interrupted from now on (Vcpu::answer_on).
    void answer_on(const IpiTarget& host_hart);
    /// How the world switch sends it IPIs; `answer_on` says to which hart.
    void keep_route_in(IpiRoute& route) {
        route_ = &route;
        route.bell = &bell_;
    }

    /// Has its hart look at the others that want it, once the guest has left.
    void have_looked() { has_to_look_.store(1, std::memory_order_seq_cst); }
    [[nodiscard]] bool take_look() {
        return has_to_look_.exchange(0, std::memory_order_seq_cst) != 0;
    }

  private:
    Doorbell bell_;
    std::atomic<std::uint32_t> has_to_look_ = 0;  ///< or 1
    std::atomic<const IpiTarget*> host_hart_ = nullptr;
    IpiRoute* route_ = nullptr;
    FenceMail mail_;
};

}  // namespace cairn
