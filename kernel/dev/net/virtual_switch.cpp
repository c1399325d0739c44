// SPDX-License-Identifier: MIT
#include "kernel/dev/net/virtual_switch.hpp"

#include <algorithm>

namespace cairn {

bool VirtualSwitch::connect(SwitchPort& port) {
    const SpinGuard guard(lock_);
    if (port_count_ == max_ports) return false;
    for (const SwitchPort& each : ports_)
        if (each.settings_.address == port.settings_.address) return false;
    forget_learned(port.settings_.address);
    ports_.push_back(port);
    has_outside_ = has_outside_ || port.settings_.is_outside;
    ++port_count_;
    return true;
}

void VirtualSwitch::disconnect(SwitchPort& port) {
    {
        const SpinGuard guard(lock_);
        if (!port.is_linked()) return;
        port.unlink();
        --port_count_;
        wake_those_waiting_for(port);
    }
    while (port.users_.load(std::memory_order_acquire) != 0) {
    }
}

/// A port's own address is nobody else's.
bool VirtualSwitch::may_send_from(const SwitchPort& from, const MacAddress& source) const {
    if (source.is_group() || source == MacAddress{}) return false;
    return std::ranges::none_of(ports_, [&](const SwitchPort& port) {
        return &port != &from && port.settings_.address == source;
    });
}

void VirtualSwitch::forget_learned(const MacAddress& address) {
    for (SwitchPort& port : ports_)
        std::ranges::replace(port.learned_, address, MacAddress{});
}

/// The last so many, of each port; the newest is where it is now. What may lie outside is not
/// learned: no port takes it from the others by a frame.
void VirtualSwitch::learn(SwitchPort& from, const MacAddress& source) {
    if (has_outside_ || source == from.settings_.address) return;
    const auto begin = from.learned_.begin();
    const auto known =
        static_cast<std::ptrdiff_t>(std::min(from.learned_count_, SwitchPort::most_learned));
    if (std::find(begin, begin + known, source) != begin + known) return;
    forget_learned(source);
    from.learned_[from.learned_count_++ % SwitchPort::most_learned] = source;
}

/// The one that has the destination; or the outside; or all.
void VirtualSwitch::find(const SwitchPort& from, const MacAddress& destination, Targets& targets) {
    const bool is_group = destination.is_group() || destination == MacAddress{};  // as all others
    const auto sees = [&](const SwitchPort& port) {
        return &port != &from && !(port.settings_.is_isolated && from.settings_.is_isolated);
    };
    SwitchPort* outside = nullptr;
    for (SwitchPort& port : ports_) {
        const bool is_it =
            !is_group && (port.settings_.address == destination ||
                          std::ranges::find(port.learned_, destination) != port.learned_.end());
        if (is_it) {
            targets.clear();
            if (sees(port)) targets.push_back(&port);
            return;
        }
        if (!sees(port)) continue;
        if (port.settings_.is_outside) outside = &port;
        targets.push_back(&port);
    }
    if (is_group || outside == nullptr) return;
    targets.clear();
    targets.push_back(outside);
}

/// Whether a frame that has found no room waits. What comes from outside does not: the next may be
/// another's.
bool VirtualSwitch::wait(SwitchPort& from, SwitchPort& target, std::uint64_t now) {
    if (target.is_stuck_ || from.settings_.is_outside) return false;
    if (from.gives_up_at_ == 0) from.gives_up_at_ = now + ticks_per_second_ / patience_share;
    target.is_stuck_ = now >= from.gives_up_at_;
    return !target.is_stuck_;
}

VirtualSwitch::Sent VirtualSwitch::send(SwitchPort& from, const NetFrame& frame,
                                        std::uint64_t now) {
    Targets targets;
    {
        const SpinGuard guard(lock_);
        const std::uint64_t burst = ticks_per_second_ / burst_share;
        if (from.next_at_ > now + burst) return {false, from.next_at_ - burst, 0};
        if (may_send_from(from, frame.source())) {
            learn(from, frame.source());
            find(from, frame.destination(), targets);
        }
        for (SwitchPort* const target : targets)
            target->users_.fetch_add(1, std::memory_order_relaxed);
        if (targets.size() == 1) from.waits_for_ = targets.front();
    }
    bool is_taken = false;
    bool lacks_room = false;
    for (SwitchPort* const target : targets) {
        const FrameSink::Taken taken = target->sink_.take(frame);
        if (taken == FrameSink::Taken::yes) {
            is_taken = true;
            target->received_.fetch_add(1, std::memory_order_relaxed);
        }
        lacks_room = taken == FrameSink::Taken::no_room;
    }
    const SpinGuard guard(lock_);
    const bool waits = lacks_room && targets.size() == 1 && wait(from, *targets.front(), now);
    for (SwitchPort* const target : targets)
        target->users_.fetch_sub(1, std::memory_order_release);
    if (waits) return {false, from.gives_up_at_, 1};
    from.waits_for_ = nullptr;
    from.gives_up_at_ = 0;
    if (from.settings_.rate != 0)
        from.next_at_ =
            std::max(from.next_at_, now) + frame.size * ticks_per_second_ / from.settings_.rate;
    (is_taken ? from.sent_ : from.lost_).fetch_add(1, std::memory_order_relaxed);
    // Those who wait for room are woken in turn: who was served last comes last.
    if (is_taken && from.is_linked()) {
        from.unlink();
        ports_.push_back(from);
    }
    return {true, 0, static_cast<std::uint32_t>(targets.size())};
}

void VirtualSwitch::room_again(SwitchPort& port) {
    const SpinGuard guard(lock_);
    port.is_stuck_ = false;
    wake_those_waiting_for(port);
}

void VirtualSwitch::wake_those_waiting_for(SwitchPort& port) {
    for (SwitchPort& each : ports_) {
        if (each.waits_for_ != &port) continue;
        each.waits_for_ = nullptr;
        each.send_again();
    }
}

}  // namespace cairn
