// SPDX-License-Identifier: MIT
// Who has the machine's one console: the VM in front, or the monitor. What is typed goes there, but
// for the escape character, Ctrl-], which changes between the two; typed twice it reaches the
// guest. Nobody else who deals with guests knows the machine's UART.
//
//     machine's UART ── interrupted() ──► Ctrl-]?  ──► switches
//                                         else     ──► channel in front: GuestChannel::type
//                                                      monitor: MonitorInput::typed
//                                     ──► what waits for the wire goes on; whoever waits for room
//                                         is told
//
// Interrupts come on one hart at a time; what is switched is said under a lock.
#pragma once

#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/manager/console/guest_channel.hpp"

namespace cairn {

inline constexpr std::byte console_escape{0x1d};  ///< Ctrl-]

/// The monitor, as the multiplexer sees it. Its functions are called within an interrupt: they note
/// what came, and the work is done between guests.
class MonitorInput {
  public:
    virtual void typed(std::byte byte) = 0;
    /// It has the console now, or not any more.
    virtual void shown(bool shown) = 0;
    /// Whether it can take one more character; else it says `read_on` once that is so again.
    [[nodiscard]] virtual bool has_room() = 0;
    /// The console has room for guests' output again.
    virtual void has_output_room() = 0;

  protected:
    ~MonitorInput() = default;
};

/// What was typed, in order.
class KeySource {
  public:
    [[nodiscard]] virtual std::optional<std::byte> take_key() = 0;

  protected:
    ~KeySource() = default;
};

class ConsoleMultiplexer final : public InterruptHandler {
  public:
    constexpr ConsoleMultiplexer() = default;
    ConsoleMultiplexer(const ConsoleMultiplexer&) = delete;
    ConsoleMultiplexer& operator=(const ConsoleMultiplexer&) = delete;

    /// Takes the input of the machine's console. `monitor` outlives it.
    void start(MonitorInput& monitor);

    /// The VM that comes to the front, now or when the monitor goes; nullptr: none, so the monitor
    /// stays. Its channel is brought to the front by whoever calls this.
    void choose(GuestChannel* guest);
    [[nodiscard]] GuestChannel* chosen();
    [[nodiscard]] bool shows_monitor();
    void show_monitor();
    /// From the monitor to the chosen VM; false where there is none. What was typed ahead, behind
    /// the command that asks for it, is the guest's.
    [[nodiscard]] bool show_guest(KeySource* ahead = nullptr);

    void interrupted() override;
    /// Whoever had no room has some again.
    static void read_on();

  private:
    /// Whether whoever has the console can take one more character.
    [[nodiscard]] bool has_room();
    void route(uart16550::Character character);
    void escape() CAIRN_REQUIRES(lock_);
    void send();
    void receive();

    Spinlock lock_;
    MonitorInput* monitor_ = nullptr;
    GuestChannel* guest_ CAIRN_GUARDED_BY(lock_) = nullptr;
    bool shows_monitor_ CAIRN_GUARDED_BY(lock_) = false;
    bool only_escaped_ CAIRN_GUARDED_BY(lock_) = false;  ///< nothing was typed since
};

}  // namespace cairn
