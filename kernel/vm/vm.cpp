// SPDX-License-Identifier: MIT
#include "kernel/vm/vm.hpp"

#include "lib/panic.hpp"

namespace cairn {
namespace {

constexpr std::uint32_t guest_harts = 1;
constexpr std::uint32_t contexts_per_hart = 2;

}  // namespace

Vm::Vm(std::string_view name, GuestMemory memory, ByteSink& console, const GuestFeatures& features,
       const MachineIds& ids)
    : name_(name),
      memory_(memory),
      console_(console),
      features_(features),
      ids_(ids),
      plic_({.sources = guest_map::plic_sources, .contexts = guest_harts * contexts_per_hart}),
      uart_(console, plic_.source(guest_map::uart_irq)) {
    plic_.connect(plic::supervisor_context(0), vcpu_.external_interrupt());
    const bool attached = bus_.attach(guest_map::plic, plic_) &&
                          bus_.attach(guest_map::uart, uart_) &&
                          bus_.attach(guest_map::test_device, syscon_);
    require(attached, "the guest map's devices fit on the bus");
}

void Vm::reset_devices() {
    uart_.reset();
    plic_.reset();
    stop_reason_.reset();
    update_attention();
}

void Vm::stop(StopReason reason) {
    if (!stop_reason_) stop_reason_ = reason;
    update_attention();
}

void Vm::let_input_wait_behind(std::uint32_t source) {
    input_waits_behind_ = source;
    update_attention();
}

void Vm::power_off(bool failed, std::uint16_t) {
    stop(failed ? StopReason::failed : StopReason::power_off);
}

bool Vm::may_complain() {
    if (complaints_ == complaints_allowed) return false;
    ++complaints_;
    return true;
}

}  // namespace cairn
