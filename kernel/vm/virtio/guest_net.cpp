// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_net.hpp"

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// The hart that brings it does the rest next, or sees when it has to be awake for it.
void GuestNet::want_turn() {
    tasks_.want(port_);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

bool GuestNet::send(const NetFrame& frame, std::uint32_t& copies) {
    const auto sent = switch_.send(*this, frame, csr_read<Csr::time>());
    copies = sent.copies;
    if (sent.is_over) return true;
    tasks_.want_at(port_, sent.again_at);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
    return false;
}

}  // namespace cairn
