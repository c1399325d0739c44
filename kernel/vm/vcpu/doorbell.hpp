// SPDX-License-Identifier: MIT
// How harts ask something of a vCPU that another hart runs, without lost wake-ups;
// kernel/vm/vcpu/doorbell_test.cpp walks all interleavings. Pure.
//
//     asker                                    hart of the vCPU
//     store what is asked for                  clear its software interrupt
//     ring(): pending |= bit; was it 0?        answer(): take pending, leave 0
//       yes: send an interrupt                 look at what is asked for
//       no:  somebody before has, or will
//
// The interrupt is level: sent while the hart is in the host, it is taken as soon as the guest
// is entered, and a hart that sleeps wakes. So the asker never needs to know where the hart is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/guest/world_switch_constants.h"
#include "kernel/host/cpu/ipi_batch.hpp"

namespace cairn {

/// What a vCPU may be asked for, a bit each.
struct Request {
    static constexpr std::uint32_t software_interrupt = 1;  ///< an IPI of the guest
    static constexpr std::uint32_t external_line = 2;  ///< its interrupt controller's line moved
    static constexpr std::uint32_t fence = 4;          ///< somebody asked its FenceMail
    static constexpr std::uint32_t look = 8;           ///< the hart's or the VM's state changed
    static constexpr std::uint32_t input = 16;         ///< its console has input for it
};

class Doorbell {
  public:
    /// Adds `requests`; true if the caller is to interrupt the hart. What is asked for has been
    /// stored before.
    [[nodiscard]] bool ring(std::uint32_t requests) {
        return pending_.fetch_or(requests, std::memory_order_seq_cst) == 0;
    }
    /// Takes all requests. The hart has cleared its software interrupt before.
    [[nodiscard]] std::uint32_t answer() { return pending_.exchange(0, std::memory_order_seq_cst); }
    /// What it is asked for at the moment.
    [[nodiscard]] std::uint32_t asked() const { return pending_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint32_t> pending_{0};
};
static_assert(sizeof(Doorbell) == sizeof(std::uint32_t));  // the world switch rings it, too
static_assert(Request::software_interrupt == CAIRN_REQUEST_SOFTWARE_INTERRUPT);

/// How the world switch sends an IPI of the guest to a vCPU.
struct alignas(1 << CAIRN_IPI_ROUTE_SHIFT) IpiRoute {
    Doorbell* bell = nullptr;
    IpiTarget target;  ///< the hart that runs it
};
static_assert(offsetof(IpiRoute, bell) == CAIRN_IPI_ROUTE_BELL);
static_assert(offsetof(IpiRoute, target.hart) == CAIRN_IPI_ROUTE_HART);
static_assert(offsetof(IpiRoute, target.set_ssip) == CAIRN_IPI_ROUTE_SET_SSIP);
static_assert(sizeof(IpiRoute) == 1 << CAIRN_IPI_ROUTE_SHIFT);

}  // namespace cairn
