// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/guest_host_disk.hpp"

#include <utility>

#include "kernel/vm/vm.hpp"

namespace cairn {

using virtio_block::RequestType;

bool GuestHostDisk::submit(const Request& request) {
    static_assert(BlockBackend::most_buffers <= HostDiskUser::most_buffers);
    const auto type_of = [](Operation operation) {
        switch (operation) {
            case Operation::read: return RequestType::in;
            case Operation::write: return RequestType::out;
            case Operation::flush: return RequestType::flush;
            case Operation::discard: return RequestType::discard;
            case Operation::write_zeroes: return RequestType::write_zeroes;
        }
        std::unreachable();
    };
    return disk_.submit(*this, {.type = type_of(request.operation),
                                .sector = request.sector,
                                .buffers = request.buffers,
                                .token = request.completion,
                                .sectors = request.sectors,
                                .unmaps = request.unmaps});
}

/// The hart that took the interrupt does it next, or whichever comes first.
void GuestHostDisk::want_turn() {
    tasks_.want(port_);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

}  // namespace cairn
