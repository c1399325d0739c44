// SPDX-License-Identifier: MIT
#include "kernel/host/interrupt_controller.hpp"

#include "kernel/arch/csr_access.hpp"
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

}  // namespace

void start_interrupt_controller(const MachinePlic& plic, std::uint32_t context) {
    host_plic = {.base = plic.registers.base.value, .context = context};
    for (std::uint32_t source = 0; source <= plic.sources; source += 32)
        at(plic::enable(context, source)) = 0;  // what an earlier stage may have left on
    at(plic::threshold(context)) = 0;
    csr_set<Csr::sie>(Sip::SEIP::mask);
}

void enable_host_interrupt(std::uint32_t source) {
    at(plic::priority(source)) = 1;
    volatile std::uint32_t& word = at(plic::enable(host_plic.context, source));
    word = word | (1u << (source % 32));
}

std::uint32_t claim_host_interrupt() {
    if (host_plic.base == 0) return 0;
    return at(plic::claim(host_plic.context));
}

void complete_host_interrupt(std::uint32_t source) {
    at(plic::claim(host_plic.context)) = source;
}

}  // namespace cairn
