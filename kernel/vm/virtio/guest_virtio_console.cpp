// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_virtio_console.hpp"

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Whether what is typed is the port's. A device that needs a reset reads nothing any more.
bool GuestVirtioConsole::is_for_port() {
    const bool stands_still = (port_.device().status() & virtio::status::needs_reset) != 0;
    return port_reads_ && !sbi_reads_ && !stands_still && !vm_->uart().is_read_by_interrupt();
}

std::optional<uart16550::Character> GuestVirtioConsole::ForUart::take() {
    return of.is_for_port() ? std::nullopt : of.typed_.take();
}

std::size_t GuestVirtioConsole::ForPort::read(std::span<std::byte> to) {
    if (!of.is_for_port()) return 0;
    std::size_t count = 0;
    while (count < to.size()) {
        const auto next = of.typed_.take();
        if (!next) break;
        to[count++] = next->value;
    }
    return count;
}

void GuestVirtioConsole::port_reads(bool reads) {
    port_reads_ = reads;
    sbi_reads_ = false;
    if (!reads) vm_->uart().input_arrived();
}

void GuestVirtioConsole::guest_asks_by_sbi() {
    if (!port_reads_ || sbi_reads_) return;
    sbi_reads_ = true;
    vm_->uart().input_arrived();
}

/// The hart that brings it does the rest next, as GuestNet's.
void GuestVirtioConsole::look() {
    if (console_.resize(size_.load(std::memory_order_relaxed))) port_.device().config_changed();
    if (!console_.look()) return;
    tasks_.want(port_);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

}  // namespace cairn
