// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/host/virtio/host_rng.hpp"

#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

constexpr std::uint32_t request_queue = 0;

constinit HostRng rng;

}  // namespace

HostRng& host_rng() {
    return rng;
}

std::expected<void, VirtioFault> HostRng::start(VirtioRegisters& registers, HostSource source,
                                                Take take, std::uint64_t patience) {
    const SpinGuard guard(lock_);
    transport_ = VirtioTransport(registers);
    source_ = source;
    take_ = take;
    auto started = transport_.identify_and_negotiate(0);
    if (started) started = transport_.add_queue(request_queue, queue_, 1);
    if (!started) return started;
    transport_.go();
    works_ = true;
    ask_for_some();
    const std::uint64_t begin = csr_read<Csr::time>();
    while (works() && !take_some()) {
        if (csr_read<Csr::time>() - begin <= patience) continue;
        works_ = false;
        (void)transport_.stop();
    }
    if (!works()) return std::unexpected(VirtioFault::silent);
    return {};
}

void HostRng::ask_for_some() {
    const DriverQueue::Segment seed{
        {reinterpret_cast<std::uintptr_t>(seed_.data())}, seed_bytes, true};
    queue_.add({&seed, 1}, this);
    if (queue_.wants_notification()) transport_.notify(request_queue);
}

/// Whether some has come.
bool HostRng::take_some() {
    const auto used = queue_.take_used();
    if (!used) {
        give_up(to_string(used.error()));
        return false;
    }
    if (!*used) return false;
    take_(std::span(seed_).first((*used)->written));
    return true;
}

void HostRng::give_up(std::string_view why) {
    works_ = false;
    const bool has_stopped = transport_.stop();
    println("cairn: the machine's virtio-rng is left alone from here on: {}{}", why,
            unless_stopped(has_stopped));
}

void HostRng::ask() {
    const SpinGuard guard(lock_);
    if (works() && queue_.in_flight() == 0) ask_for_some();
}

void HostRng::interrupted() {
    {
        const SpinGuard guard(lock_);
        if (works()) {
            (void)transport_.take_events();
            while (works() && take_some()) {
            }
        }
    }
    host_interrupts().finish(source_);
}

}  // namespace cairn
