// SPDX-License-Identifier: MIT
// An Ethernet switch between guests, and to the outside.
//
//     port ── send ──► who has the destination ──► its sink takes the frame, one copy
//                 └──► nobody: the port to the outside; without one, all others
//
// Each port has the one address that it was given, which no other can send from or have frames to
// sent to itself. Other addresses that it sends from (of a bridge in a guest) are learned, a few
// for each port, so that no port takes the room of another; but none where there is an outside,
// whose addresses a port could claim.
//
// A frame for one port that has no room waits for it, its sender with it; but not for long: a port
// that makes no room is stuck until it does, and loses its frames. Frames for several ports do not
// wait.
//
// Any hart. Of two ports' locks none is held while the other is taken: `send` counts itself in
// (`users`) with whom it sends to, and a port that leaves waits for those who have.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include <cairn/intrusive_list.hpp>
#include <cairn/list_hook.hpp>
#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/dev/net/net_frame.hpp"

namespace cairn {

class SwitchPort : public list_hook {
  public:
    static constexpr std::size_t most_learned = 8;

    struct Settings {
        MacAddress address;
        bool is_isolated = false;  ///< it and others that are do not see each other
        bool is_outside = false;   ///< what nobody has lies there; its addresses are not learned
        std::uint64_t rate = 0;    ///< bytes a second that it may send; 0: any
    };
    /// Since it was made. Each frame that it sends counts once: as sent, or as lost for one reason.
    /// Each that it is to have does, too: as received, as missed, or as unwanted.
    struct Counts {
        std::uint64_t sent = 0;            ///< frames that somebody took
        std::uint64_t sent_bytes = 0;      ///< of them, as they were sent
        std::uint64_t received = 0;        ///< frames
        std::uint64_t received_bytes = 0;  ///< of them, as they were sent
        std::uint64_t bad_source = 0;      ///< lost: sent from another's address, or from none
        std::uint64_t to_nobody = 0;  ///< lost: nobody that it sees has the address, or wants it
        std::uint64_t no_room = 0;    ///< lost: no room where it was to go
        std::uint64_t refused = 0;    ///< lost: not taken for another reason
        std::uint64_t missed_no_room = 0;  ///< missed: it had no room
        std::uint64_t missed_refused = 0;  ///< missed: it did not take it for another reason
        std::uint64_t unwanted = 0;        ///< it does not ask for frames with that destination
        std::uint64_t held_back = 0;       ///< by its rate: how often it had to come again

        [[nodiscard]] std::uint64_t lost() const {
            return bad_source + to_nobody + no_room + refused;
        }
        [[nodiscard]] std::uint64_t missed() const { return missed_no_room + missed_refused; }
    };

    SwitchPort(const Settings& settings, FrameSink& sink) : settings_(settings), sink_(sink) {}

    [[nodiscard]] const Settings& settings() const { return settings_; }

  protected:
    ~SwitchPort() = default;
    /// What waits is to be sent again. On any hart, with the switch's lock held.
    virtual void send_again() = 0;

  private:
    friend class VirtualSwitch;
    const Settings settings_;
    FrameSink& sink_;
    std::atomic<std::uint32_t> users_ = 0;  ///< who are about to give it a frame

    // The switch's lock is theirs.
    Counts counts_;
    std::array<MacAddress, most_learned> learned_{};
    std::size_t learned_count_ = 0;
    SwitchPort* waits_for_ = nullptr;
    std::uint64_t gives_up_at_ = 0;  ///< 0: it does not wait
    std::uint64_t next_at_ = 0;      ///< by its rate
    bool is_stuck_ = false;
};

class VirtualSwitch {
  public:
    static constexpr std::size_t max_ports = 64;
    /// Parts of a second: how long a frame waits for room; how far a port is ahead of its rate.
    static constexpr std::uint64_t patience_share = 50;
    static constexpr std::uint64_t burst_share = 100;

    struct Sent {
        bool is_over;            ///< on its way, or lost
        std::uint64_t again_at;  ///< if not: when it is to be sent again at the latest
        std::uint32_t copies;    ///< for how many ports it was made
    };

    /// Its clock has so many ticks a second.
    explicit VirtualSwitch(std::uint64_t ticks_per_second) : ticks_per_second_(ticks_per_second) {}
    VirtualSwitch(const VirtualSwitch&) = delete;
    VirtualSwitch& operator=(const VirtualSwitch&) = delete;

    /// False where it has no port left, or another has this address.
    [[nodiscard]] bool connect(SwitchPort& port);
    /// Nobody gives it a frame when this returns.
    void disconnect(SwitchPort& port);

    /// `from` is connected, and sends one frame at a time. `now` is the clock's.
    [[nodiscard]] Sent send(SwitchPort& from, const NetFrame& frame, std::uint64_t now);
    /// What `from` was to send again is over.
    void nothing_waits(SwitchPort& from);
    /// `port` has room, after it had none.
    void room_again(SwitchPort& port);

    /// A port at one moment.
    struct Report {
        SwitchPort::Counts counts;
        static_vector<MacAddress, SwitchPort::most_learned> learned;
        bool is_stuck;  ///< it makes no room, and nobody waits for it
    };
    [[nodiscard]] Report report_of(const SwitchPort& port);

  private:
    struct Target {
        SwitchPort* port;
        FrameSink::Taken taken;
    };
    using Targets = static_vector<Target, max_ports>;

    [[nodiscard]] bool may_send_from(const SwitchPort& from, const MacAddress& source) const
        CAIRN_REQUIRES(lock_);
    void forget_learned(const MacAddress& address) CAIRN_REQUIRES(lock_);
    void learn(SwitchPort& from, const MacAddress& source) CAIRN_REQUIRES(lock_);
    void find(const SwitchPort& from, const MacAddress& destination, Targets& targets)
        CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool wait(SwitchPort& from, SwitchPort& target, std::uint64_t now)
        CAIRN_REQUIRES(lock_);
    void wake_those_waiting_for(SwitchPort& port) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool count(SwitchPort& from, const NetFrame& frame, bool is_source_good,
                             const Targets& targets) CAIRN_REQUIRES(lock_);
    void end_send(SwitchPort& from, const NetFrame& frame, bool is_taken, std::uint64_t now)
        CAIRN_REQUIRES(lock_);

    const std::uint64_t ticks_per_second_;
    Spinlock lock_;
    intrusive_list<SwitchPort> ports_ CAIRN_GUARDED_BY(lock_);
    std::size_t port_count_ CAIRN_GUARDED_BY(lock_) = 0;
    bool has_outside_ CAIRN_GUARDED_BY(lock_) = false;
};

}  // namespace cairn
