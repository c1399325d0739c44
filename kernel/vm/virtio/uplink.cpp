// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/uplink.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/vm/vcpu/vcpu.hpp"

namespace cairn {

Uplink::Uplink(HostNet& device, VirtualSwitch& net, DeviceTasks& tasks)
    : SwitchPort({.address = {device.mac()}, .is_outside = true}, *this),
      device_(device),
      switch_(net),
      tasks_(tasks) {
    for (Buffer& buffer : buffers_)
        free_.push_back(&buffer);
}

bool Uplink::connect() {
    if (!switch_.connect(*this)) return false;
    device_.serve(*this);
    return true;
}

/// The hart that took the interrupt does it next, or whichever comes first.
void Uplink::wants_turn() {
    tasks_.want(*this);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

/// Guests at an uplink are offered no offloads: all of their frames are whole.
FrameSink::Taken Uplink::take(const NetFrame& frame) {
    if (frame.header.flags != 0 || frame.size > virtio_net::ethernet_header_size + device_.mtu() ||
        !device_.works())
        return Taken::never;
    const SpinGuard guard(lock_);
    is_starved_ = free_.empty();
    if (is_starved_) return Taken::no_room;
    Buffer& buffer = *free_.back();
    auto at = buffer.bytes.begin();
    for (const std::span<const std::byte> piece : frame.pieces)
        at = std::ranges::copy(piece, at).out;
    const std::span<const std::byte> whole(buffer.bytes.data(), frame.size);
    if (!device_.send({&whole, 1}, &buffer)) {
        is_starved_ = free_.size() < free_.capacity();
        return is_starved_ ? Taken::no_room : Taken::never;
    }
    free_.pop_back();
    return Taken::yes;
}

/// Whether somebody has waited for them.
bool Uplink::take_back_sent() {
    const SpinGuard guard(lock_);
    bool is_any = false;
    while (const auto sent = device_.take_sent()) {
        free_.push_back(static_cast<Buffer*>(*sent));
        is_any = true;
    }
    return is_any && std::exchange(is_starved_, false);
}

bool Uplink::work() {
    if (take_back_sent()) switch_.room_again(*this);
    for (std::uint32_t copies = 0; copies < copies_of_turn;) {
        const auto received = device_.take_received();
        if (!received) return false;
        const NetFrame frame{
            .header = {}, .pieces = {&received->frame, 1}, .size = received->frame.size()};
        copies += 1 + switch_.send(*this, frame, csr_read<Csr::time>()).copies;
        device_.done_with(*received);
    }
    return true;
}

}  // namespace cairn
