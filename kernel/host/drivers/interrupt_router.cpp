// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/interrupt_router.hpp"

#include <algorithm>

namespace cairn {
namespace {

constinit InterruptRouter router;

}  // namespace

InterruptRouter& host_interrupts() {
    return router;
}

bool InterruptRouter::wire(HostSource source, std::uint32_t number) {
    if (controller_ == nullptr || number == 0 || !controller_->enable(number)) return false;
    row(source).number = number;
    return true;
}

void InterruptRouter::handle_by(HostSource source, InterruptHandler& handler) {
    row(source).handler = &handler;
}

void InterruptRouter::serve_next() {
    const std::uint32_t number = controller_ == nullptr ? 0 : controller_->claim();
    if (number == 0) return;
    const auto found = std::ranges::find(rows_, number, &Row::number);
    if (found == rows_.end()) return controller_->complete(number);  // nobody asked for it
    found->is_claimed = true;
    if (found->handler != nullptr) found->handler->interrupted();
}

void InterruptRouter::finish(HostSource source) {
    Row& finished = row(source);
    if (finished.is_claimed.exchange(false)) controller_->complete(finished.number);
}

}  // namespace cairn
