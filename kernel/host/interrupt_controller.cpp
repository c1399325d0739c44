// SPDX-License-Identifier: MIT
#include "kernel/host/interrupt_controller.hpp"

#include "kernel/arch/csr_access.hpp"
#include "kernel/arch/guarded_call.hpp"
#include "kernel/arch/plic_registers.hpp"

namespace cairn {
namespace {

struct HostPlic {
    std::uint64_t base = 0;
    std::uint32_t context = 0;
};
constinit HostPlic host_plic;

volatile std::uint32_t& at(std::uint64_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(host_plic.base + offset);
}

/// What an earlier stage may have left on, for the context at hand.
void disable_all(std::uint32_t sources) {
    for (std::uint32_t source = 0; source <= sources; source += 32)
        at(plic::enable(host_plic.context, source)) = 0;
}

bool keeps(std::uint64_t offset, std::uint32_t value) {
    at(offset) = value;
    return at(offset) == value;
}

}  // namespace

bool start_interrupt_controller(const MachinePlic& plic, std::uint32_t context,
                                std::uint32_t source) {
    host_plic = {.base = plic.registers.base.value, .context = context};
    bool kept = false;
    const bool completed = completes([&] {
        disable_all(plic.sources);
        kept = keeps(plic::priority(source), 1) && keeps(plic::threshold(context), 0) &&
               keeps(plic::enable(context, source), 1u << (source % 32));
    });
    if (completed && kept) {
        csr_set<Csr::sie>(Sip::SEIP::mask);
        return true;
    }
    host_plic = {};
    return false;
}

std::uint32_t claim_host_interrupt() {
    if (host_plic.base == 0) return 0;
    return at(plic::claim(host_plic.context));
}

void complete_host_interrupt(std::uint32_t source) {
    at(plic::claim(host_plic.context)) = source;
}

}  // namespace cairn
