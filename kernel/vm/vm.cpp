// SPDX-License-Identifier: MIT
#include "kernel/vm/vm.hpp"

#include "kernel/arch/virtio_mmio_registers.hpp"
#include "lib/panic.hpp"

namespace cairn {
namespace {

constexpr std::uint32_t contexts_per_hart = 2;

}  // namespace

Vm::Vm(std::string_view name, GuestMemory memory, ByteSink& console, const GuestFeatures& features,
       const MachineIds& ids, std::uint32_t cpus)
    : name_(name),
      memory_(memory),
      console_(console),
      features_(features),
      ids_(ids),
      harts_(cpus),
      device_lock_(cpus > 1),
      plic_({.sources = guest_map::plic_sources, .contexts = cpus * contexts_per_hart}),
      uart_(console, plic_.source(guest_map::uart_irq)) {
    for (std::uint32_t hart = 0; hart < cpus; ++hart) {
        Vcpu& vcpu = vcpus_[hart].emplace(*this, hart);
        plic_.connect(plic::supervisor_context(hart), vcpu.external_interrupt());
    }
    bool attached = bus_.attach(guest_map::plic, plic_) && bus_.attach(guest_map::uart, uart_) &&
                    bus_.attach(guest_map::test_device, syscon_);
    for (std::size_t slot = 0; slot < guest_map::virtio_slots; ++slot) {
        const GuestRange registers{guest_map::virtio(slot).base, virtio_mmio::block_size};
        attached = attached && bus_.attach(registers, empty_slot_);
    }
    require(attached, "the guest map's devices fit on the bus");
}

void Vm::run_on(std::span<const IpiTarget> host_harts) {
    for (std::uint32_t hart = 0; hart < cpus(); ++hart) {
        Vcpu& each = vcpu(hart);
        each.run_on(host_harts[hart]);
        ipi_routes_[hart] = each.ipi_route();
        each.context.ipi_routes = ipi_routes_.data();
        each.context.quick_ipis = cpus();
    }
}

void Vm::reset_devices() {
    uart_.reset();
    plic_.reset();
    stop_reason_ = not_stopped;
    attention_.fetch_and(~stop_attention);
}

std::optional<StopReason> Vm::stopped() const {
    const std::uint8_t reason = stop_reason_.load(std::memory_order_acquire);
    if (reason == not_stopped) return std::nullopt;
    return static_cast<StopReason>(reason);
}

void Vm::stop(StopReason reason) {
    std::uint8_t expected = not_stopped;
    if (!stop_reason_.compare_exchange_strong(expected, static_cast<std::uint8_t>(reason))) return;
    attention_.fetch_or(stop_attention);
    IpiBatch batch;
    for (std::uint32_t hart = 0; hart < cpus(); ++hart) {
        if (!vcpu(hart).is_here()) vcpu(hart).request(Request::look, batch);
    }
}

void Vm::let_input_wait_behind(std::uint32_t source) {
    input_waits_behind_ = source;
    if (source != 0) {
        attention_.fetch_or(input_attention);
    } else {
        attention_.fetch_and(~input_attention);
    }
}

void Vm::power_off(bool failed, std::uint16_t) {
    stop(failed ? StopReason::failed : StopReason::power_off);
}

bool Vm::may_complain() {
    if (complaints_ >= complaints_allowed) return false;
    return complaints_.fetch_add(1) < complaints_allowed;
}

}  // namespace cairn
