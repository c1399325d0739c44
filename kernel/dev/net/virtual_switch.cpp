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
            if (sees(port)) targets.push_back({&port, FrameSink::Taken::never});
            return;
        }
        if (!sees(port)) continue;
        if (port.settings_.is_outside) outside = &port;
        targets.push_back({&port, FrameSink::Taken::never});
    }
    if (is_group || outside == nullptr) return;
    targets.clear();
    targets.push_back({outside, FrameSink::Taken::never});
}

/// Whether a frame that has found no room waits. What comes from outside does not: the next may be
/// another's.
bool VirtualSwitch::wait(SwitchPort& from, SwitchPort& target, std::uint64_t now) {
    if (target.is_stuck_ || from.settings_.is_outside) return false;
    if (from.gives_up_at_ == 0) from.gives_up_at_ = now + ticks_per_second_ / patience_share;
    target.is_stuck_ = now >= from.gives_up_at_;
    return !target.is_stuck_;
}

/// `targets` have all been asked, and it does not come again. Whether somebody took it.
bool VirtualSwitch::count(SwitchPort& from, const NetFrame& frame, bool is_source_good,
                          const Targets& targets) {
    bool is_taken = false;
    bool lacks_room = false;
    bool is_refused = false;
    for (const Target& target : targets) {
        SwitchPort::Counts& counts = target.port->counts_;
        switch (target.taken) {
            case FrameSink::Taken::yes:
                is_taken = true;
                ++counts.received;
                counts.received_bytes += frame.size;
                break;
            case FrameSink::Taken::no_room:
                lacks_room = true;
                ++counts.missed_no_room;
                break;
            case FrameSink::Taken::never:
                is_refused = true;
                ++counts.missed_refused;
                break;
            case FrameSink::Taken::unwanted: ++counts.unwanted; break;
        }
    }
    SwitchPort::Counts& counts = from.counts_;
    if (is_taken) {
        ++counts.sent;
        counts.sent_bytes += frame.size;
    } else if (!is_source_good) {
        ++counts.bad_source;
    } else if (lacks_room) {
        ++counts.no_room;
    } else {
        ++(is_refused ? counts.refused : counts.to_nobody);
    }
    return is_taken;
}

/// Those who wait for room are woken in turn: who was served last comes last.
void VirtualSwitch::end_send(SwitchPort& from, const NetFrame& frame, bool is_taken,
                             std::uint64_t now) {
    from.waits_for_ = nullptr;
    from.gives_up_at_ = 0;
    if (from.settings_.rate != 0)
        from.next_at_ =
            std::max(from.next_at_, now) + frame.size * ticks_per_second_ / from.settings_.rate;
    if (is_taken && from.is_linked()) {
        from.unlink();
        ports_.push_back(from);
    }
}

VirtualSwitch::Sent VirtualSwitch::send(SwitchPort& from, const NetFrame& frame,
                                        std::uint64_t now) {
    Targets targets;
    bool is_source_good = false;
    {
        const SpinGuard guard(lock_);
        const std::uint64_t burst = ticks_per_second_ / burst_share;
        if (from.next_at_ > now + burst) {
            ++from.counts_.held_back;
            return {false, from.next_at_ - burst, 0};
        }
        is_source_good = may_send_from(from, frame.source());
        if (is_source_good) {
            learn(from, frame.source());
            find(from, frame.destination(), targets);
        }
        for (const Target& target : targets)
            target.port->users_.fetch_add(1, std::memory_order_relaxed);
        if (targets.size() == 1) from.waits_for_ = targets.front().port;
    }
    for (Target& target : targets)
        target.taken = target.port->sink_.take(frame);
    const SpinGuard guard(lock_);
    const bool waits = targets.size() == 1 && targets.front().taken == FrameSink::Taken::no_room &&
                       wait(from, *targets.front().port, now);
    if (!waits) end_send(from, frame, count(from, frame, is_source_good, targets), now);
    for (const Target& target : targets)
        target.port->users_.fetch_sub(1, std::memory_order_release);
    if (waits) return {false, from.gives_up_at_, 1};
    return {true, 0, static_cast<std::uint32_t>(targets.size())};
}

VirtualSwitch::Report VirtualSwitch::report_of(const SwitchPort& port) {
    const SpinGuard guard(lock_);
    Report report{.counts = port.counts_, .learned = {}, .is_stuck = port.is_stuck_};
    for (const MacAddress& address : port.learned_)
        if (address != MacAddress{}) report.learned.push_back(address);
    return report;
}

void VirtualSwitch::nothing_waits(SwitchPort& from) {
    const SpinGuard guard(lock_);
    from.waits_for_ = nullptr;
    from.gives_up_at_ = 0;
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
