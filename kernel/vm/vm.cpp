// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/vm.hpp"

#include <span>
#include <utility>

#include "kernel/vm/guest_clock.hpp"
#include "kernel/vm/virtio/guest_virtio_console.hpp"

namespace cairn {

Vm::Vm(std::string_view name, GuestMemory memory, const GuestConsole& console,
       const GuestFeatures& features, const MachineIds& ids, VcpuRoom room,
       const GuestOptions& options)
    : name_(name),
      memory_(memory),
      console_(console.output),
      features_(features),
      ids_(ids),
      harts_(room.cpus),
      vcpus_(std::move(room.vcpus)),
      ipi_routes_(std::move(room.ipi_routes)),
      device_lock_(cpus() > 1 || !options.virtio.empty()),
      clock_(options.clock),
      virtio_console_(options.console),
      devices_(cpus(), console, *this, options) {
    for (std::uint32_t hart = 0; hart < cpus(); ++hart) {
        Vcpu& vcpu = vcpus_.emplace_back(*this, hart);
        vcpu.keep_route_in(ipi_routes_[hart]);
        vcpu.context.ipi_routes = ipi_routes_.data();
        vcpu.context.quick_ipis = cpus();
        devices_.interrupts().connect_hart(hart, vcpu.external_interrupt());
    }
}

bool Vm::devices_let_go() {
    const DeviceGuard guard(device_lock_);
    return devices_.let_go();
}

/// A hart may be at work for a disk.
void Vm::reset_devices() {
    {
        const DeviceGuard guard(device_lock_);
        devices_.reset();
    }
    stop_reason_ = not_stopped;
    presence_.reset(!debugging_.is_claimed());  // whom gdb has, it pauses anew
    debugging_.run_alone(std::nullopt);
    (void)debugging_.take_met();
    debugging_.forget_reservations();
}

std::optional<StopReason> Vm::stopped() const {
    const std::uint8_t reason = stop_reason_.load(std::memory_order_acquire);
    if (reason == not_stopped) return std::nullopt;
    return static_cast<StopReason>(reason);
}

void Vm::stop(StopReason reason) {
    std::uint8_t expected = not_stopped;
    if (!stop_reason_.compare_exchange_strong(expected, static_cast<std::uint8_t>(reason))) return;
    interrupt_all();
}

void Vm::interrupt_all() {
    IpiBatch batch;
    for (std::uint32_t hart = 0; hart < cpus(); ++hart) {
        vcpu(hart).leave_guest();
        if (!vcpu(hart).is_here()) vcpu(hart).request(Request::look, batch);
    }
}

void Vm::pause() {
    presence_.begin_pause();
    interrupt_all();
}

bool Vm::resume(std::uint64_t time) {
    if (!presence_.end_pause(time)) return false;
    interrupt_all();
    return true;
}

/// The devices of a VM of one CPU have no lock, unless it has disks: its hart alone is at them.
void Vm::input_arrived() {
    if (!device_lock_.is_shared()) return vcpu(0).request(Request::input);
    take_input();
}

/// Whoever brings it waits for nobody: all of it is looked for again with the clock's next alarm.
void Vm::take_input() {
    if (!device_lock_.lock_unless_busy()) {
        if (clock_ != nullptr) clock_->look_soon();
        return;
    }
    uart().input_arrived();
    if (virtio_console_ != nullptr) virtio_console_->look();
    if (clock_ != nullptr) clock_->device().look();
    device_lock_.unlock();
}

std::optional<std::byte> Vm::take_typed() {
    if (virtio_console_ != nullptr) virtio_console_->guest_asks_by_sbi();
    return uart().take_input();
}

void Vm::power_off(bool failed, std::uint16_t) {
    stop(failed ? StopReason::failed : StopReason::power_off);
}

bool Vm::may_complain() {
    return complaints_.fetch_add(1, std::memory_order_relaxed) < complaints_allowed;
}

}  // namespace cairn
