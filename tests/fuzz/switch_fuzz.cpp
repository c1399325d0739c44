// SPDX-License-Identifier: MIT
// A switch beside a model of it: ports that come and go, isolated, limited, or leading outside;
// frames from any address to any, to ports that have room, none, or take nothing, at any time.
// Each frame reaches exactly those that the model has for it; it is counted once for its sender
// and once for each that was to have it; who waits for a port is woken when that has room or
// leaves; no more is learned, connected or sent than there may be.
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "kernel/dev/net/virtual_switch.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;

namespace {

using Taken = FrameSink::Taken;

constexpr std::uint64_t ticks = 10'000'000;
constexpr std::size_t most = VirtualSwitch::max_ports;

void check(bool condition) {
    if (!condition) std::abort();
}

constexpr std::uint8_t addresses = 96;

MacAddress numbered(std::uint8_t number) {
    return {{2, 0, 0, 0, 0, number}};
}

/// One of a few, of groups, or nobody's.
MacAddress address(FuzzInput& input) {
    const auto number = static_cast<std::uint8_t>(input.take(1));
    if (number == 255) return {};
    if (number >= 250) return {{1, 0, 0x5e, 0, 0, number}};
    return numbered(number % addresses);
}

class Sink : public FrameSink {
  public:
    Taken take(const NetFrame& frame) override {
        ++asked;
        if (answer == Taken::yes) {
            ++frames;
            bytes += frame.size;
        }
        return answer;
    }
    Taken answer = Taken::yes;
    int asked = 0;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;

  protected:
    ~Sink() = default;
};

struct Port final : Sink, SwitchPort {
    explicit Port(const Settings& settings) : SwitchPort(settings, *this) {}
    void send_again() override { ++woken; }

    // What the model knows of it.
    std::deque<MacAddress> learned;  ///< the last eight, the zero address where one is forgotten
    Port* waits_for = nullptr;
    int woken = 0;
    std::uint64_t over = 0;        ///< frames that it has sent, or lost
    std::uint64_t over_bytes = 0;  ///< of those
    std::uint64_t missed = 0;
    std::uint64_t since = 0;
    std::uint64_t last = 0;  ///< bytes of the last
};

class Machine {
  public:
    ~Machine() {
        for (auto& port : ports_)
            net_.disconnect(*port);
    }

    void step(FuzzInput& input) {
        switch (input.take(1) % 10) {
            case 0:
                // One, or more than there is room for.
                connect(address(input), input.take(1));
                if (input.take(1) % 32 == 0)
                    for (std::uint8_t n = 0; n < addresses; ++n)
                        connect(numbered(n), n);
                break;
            case 1: leave(input); break;
            case 2: now_ += input.take(3) >> (input.take(1) % 24); break;
            case 3: make_room(input); break;
            case 4:
                if (Port* const port = any(input))
                    port->answer = static_cast<Taken>(input.take(1) % 3);
                break;
            default: send(input); break;
        }
    }
    void verify() {
        for (const auto& port : ports_) {
            const auto report = net_.report_of(*port);
            const SwitchPort::Counts& counts = report.counts;
            check(counts.sent + counts.lost() == port->over);
            check(counts.sent_bytes <= port->over_bytes);
            check(counts.received == port->frames && counts.received_bytes == port->bytes);
            check(counts.missed() == port->missed);
            std::multiset<std::uint64_t> found;
            std::multiset<std::uint64_t> expected;
            for (const MacAddress& each : report.learned)
                found.insert(each.number());
            for (const MacAddress& each : port->learned)
                if (each != MacAddress{}) expected.insert(each.number());
            check(found == expected && found.size() <= SwitchPort::most_learned);
            verify_rate(*port);
        }
    }

  private:
    Port* any(FuzzInput& input) {
        return ports_.empty() ? nullptr : ports_[input.take(1) % ports_.size()].get();
    }
    void connect(const MacAddress& own, std::uint64_t kind) {
        if (own.is_group() || own == MacAddress{}) return;  // vm.conf has none
        const std::uint64_t rate = kind % 4 == 0 ? std::uint64_t{1024} << (kind / 4 % 16) : 0;
        auto port = std::make_unique<Port>(
            SwitchPort::Settings{.address = own,
                                 .is_isolated = kind % 3 == 0,
                                 .is_outside = kind % 32 == 1 && !had_outside_,
                                 .rate = rate});
        bool may = ports_.size() < most;
        for (const auto& each : ports_)
            may = may && each->settings().address != own;
        check(net_.connect(*port) == may);
        if (!may) return;
        forget(own);
        had_outside_ = had_outside_ || port->settings().is_outside;
        port->since = now_;
        ports_.push_back(std::move(port));
    }
    void leave(FuzzInput& input) {
        Port* const port = any(input);
        if (port == nullptr) return;
        wake_those_waiting_for(*port, [&] { net_.disconnect(*port); });
        std::erase_if(ports_, [&](const auto& each) { return each.get() == port; });
    }
    void make_room(FuzzInput& input) {
        Port* const port = any(input);
        if (port == nullptr) return;
        wake_those_waiting_for(*port, [&] { net_.room_again(*port); });
    }
    template <class Event>
    void wake_those_waiting_for(Port& port, Event event) {
        std::vector<int> before;
        for (const auto& each : ports_)
            before.push_back(each->woken);
        event();
        for (std::size_t n = 0; n < ports_.size(); ++n) {
            const bool waited = ports_[n]->waits_for == &port;
            check(ports_[n]->woken == before[n] + (waited ? 1 : 0));
            if (waited) ports_[n]->waits_for = nullptr;
        }
    }
    void forget(const MacAddress& own) {
        for (const auto& port : ports_)
            for (MacAddress& each : port->learned)
                if (each == own) each = {};
    }
    void learn(Port& from, const MacAddress& source) {
        if (had_outside_ || source == from.settings().address) return;
        for (const MacAddress& each : from.learned)
            if (each == source) return;
        forget(source);
        from.learned.push_back(source);
        if (from.learned.size() > SwitchPort::most_learned) from.learned.pop_front();
    }
    bool has(const Port& port, const MacAddress& which) const {
        if (port.settings().address == which) return true;
        for (const MacAddress& each : port.learned)
            if (each == which) return true;
        return false;
    }
    /// Who is to have a frame.
    std::set<Port*> receivers(Port& from, const MacAddress& source, const MacAddress& to) {
        if (source.is_group() || source == MacAddress{}) return {};
        for (const auto& port : ports_)
            if (port.get() != &from && port->settings().address == source) return {};
        learn(from, source);
        const bool is_group = to.is_group() || to == MacAddress{};
        std::set<Port*> seen;
        Port* outside = nullptr;
        Port* owner = nullptr;
        for (const auto& port : ports_) {
            if (!is_group && has(*port, to)) owner = port.get();
            if (port.get() == &from) continue;
            if (port->settings().is_isolated && from.settings().is_isolated) continue;
            seen.insert(port.get());
            if (port->settings().is_outside) outside = port.get();
        }
        if (owner != nullptr) return seen.contains(owner) ? std::set{owner} : std::set<Port*>{};
        if (!is_group && outside != nullptr) return {outside};
        return seen;
    }
    void send(FuzzInput& input) {
        Port* const from = any(input);
        if (from == nullptr) return;
        const MacAddress to = address(input);
        const MacAddress source =
            input.take(1) % 4 == 0 ? address(input) : from->settings().address;
        const std::uint64_t size = 14 + input.take(2);
        for (std::size_t n = 0; n < 6; ++n) {
            header_[n] = static_cast<std::byte>(to.bytes[n]);
            header_[n + 6] = static_cast<std::byte>(source.bytes[n]);
        }
        const std::span<const std::byte> piece = header_;
        for (const auto& port : ports_)
            port->asked = 0;
        const auto sent = net_.send(*from, {{}, {&piece, 1}, size}, now_);
        if (sent.copies == 0 && !sent.is_over) {
            check(from->settings().rate != 0 && sent.again_at > now_);
            return;
        }
        check_send(*from, receivers(*from, source, to), sent, size);
    }
    void check_send(Port& from, const std::set<Port*>& to, const VirtualSwitch::Sent& sent,
                    std::uint64_t size) {
        check(sent.copies == to.size());
        for (const auto& port : ports_)
            check(port->asked == (to.contains(port.get()) ? 1 : 0));
        from.waits_for = nullptr;
        if (!sent.is_over) {
            check(to.size() == 1 && (*to.begin())->answer == Taken::no_room);
            check(!from.settings().is_outside);
            check(sent.again_at > now_ &&
                  sent.again_at <= now_ + ticks / VirtualSwitch::patience_share);
            from.waits_for = *to.begin();
            return;
        }
        for (Port* const port : to)
            if (port->answer != Taken::yes) ++port->missed;
        ++from.over;
        from.over_bytes += size;
        from.last = size;
    }
    /// Its last frame, and what it may have sent before that.
    void verify_rate(const Port& port) const {
        if (port.settings().rate == 0) return;
        const std::uint64_t time = now_ - port.since + ticks / VirtualSwitch::burst_share;
        const auto may = static_cast<double>(port.settings().rate) *
                         static_cast<double>(time + port.over) / static_cast<double>(ticks);
        check(static_cast<double>(port.over_bytes - port.last) <= may + 1);
    }

    VirtualSwitch net_{ticks};
    std::vector<std::unique_ptr<Port>> ports_;
    std::array<std::byte, 14> header_{};
    std::uint64_t now_ = 1000;
    bool had_outside_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    Machine machine;
    for (unsigned n = 1; !input.empty(); ++n) {
        machine.step(input);
        if (n % 16 == 0) machine.verify();
    }
    machine.verify();
    return 0;
}
