// SPDX-License-Identifier: MIT
// A VM's console between its UART and the machine's. In front, what the guest prints goes out as
// the wire takes it, and a guest that is ahead of the wire is told to stop; behind, the last of it
// is kept, and comes out when the VM is brought to the front. What is typed waits here until the
// guest reads it:
//
//     UART ── put() ──► in front? ──► the machine's console ── full: output_stops() ──► UART
//                       else kept: the last 16 KiB, with a count of what was lost
//                             └─────► port, while it is open and has room
//     UART ◄── take() ── typed, up to 1024 characters ◄── type() ── multiplexer
//                └────── port
//
// A port of its own is its console as well, in front or behind: it gets the same bytes, from what
// is kept, and a guest is never told to stop for it. It outlives its VM, and is the next run's,
// too. Any hart may call; behind the locks comes at most the console's or the port's, but for
// `attachment_`, under which the UART takes input.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <cairn/ring_buffer.hpp>
#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/virtio/console_size.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/host/drivers/log_ring.hpp"
#include "kernel/manager/console/channel_port.hpp"
#include "kernel/manager/console/guest_port.hpp"

namespace cairn {

class GuestChannel final : public ByteSink, public InputSource, public GuestWriter {
  public:
    static constexpr std::size_t kept_output = 16 << 10;
    static constexpr std::size_t typed_room = 1024;
    static constexpr std::size_t most_ports = 4;

    GuestChannel() = default;
    GuestChannel(const GuestChannel&) = delete;
    GuestChannel& operator=(const GuestChannel&) = delete;

    // The guest's side.
    void put(std::byte byte) override;
    std::size_t put(std::span<const std::byte> bytes) override;
    bool has_output_room() override { return !is_in_front() || console_takes_guests(); }
    void console_is_full(bool lost) override;
    std::optional<uart16550::Character> take() override;

    /// The UART at the other end: from now on, or nobody any more. Not while it takes input.
    void attach(InputReceiver* reader);
    /// The console has room for output again.
    void output_goes_on();

    // The multiplexer's side.
    /// Whether one more character can be typed; else `on_room` is called once that is so again.
    [[nodiscard]] bool has_room();
    void when_there_is_room(void (*on_room)()) { on_room_ = on_room; }
    /// Where there is room.
    void type(uart16550::Character character);

    /// From now on what it prints is kept.
    void go_behind();
    /// A piece of what was kept goes out. `all`: none is left, and the VM is in front; `waits`: for
    /// the console to have room.
    enum class Shown : std::uint8_t { part, all, waits };
    [[nodiscard]] Shown come_to_front();
    [[nodiscard]] bool is_in_front() const { return in_front_.load(std::memory_order_relaxed); }
    /// How many bytes the machine's console has lost since it was last asked.
    [[nodiscard]] std::uint64_t take_lost();

    // The VM's further ports.
    /// At most `most_ports`, before its first run; `name` outlives it.
    void add_port(std::string_view name) { ports_.emplace_back(name); }
    [[nodiscard]] std::span<GuestPort> ports() { return {ports_.data(), ports_.size()}; }

    // Whoever looks at it.
    /// Its guest is told, if it has a virtio console; also the next run's.
    void resize(virtio_console::Size size);
    [[nodiscard]] const ConsoleSize& size() const { return size_; }

    // The port's side.
    /// A port that is its console, too, and outlives it; or nullptr: none any more.
    void connect(ChannelPort* port);
    [[nodiscard]] ChannelPort* port() const { return port_.load(std::memory_order_relaxed); }
    /// Its port has input or room, or was opened.
    void serve_port();

  private:
    [[nodiscard]] std::size_t keep(std::span<const std::byte> bytes, bool alone);
    void skip_lost() CAIRN_REQUIRES(output_lock_);
    void send_to_port() CAIRN_REQUIRES(output_lock_);
    void note_place(bool in_front) CAIRN_REQUIRES(output_lock_);

    /// In front, and without a port, so that nothing is kept.
    std::atomic<std::uint8_t> passes_ = 0;  // where a bool takes longer
    std::atomic<bool> in_front_ = false;
    std::atomic<ChannelPort*> port_ = nullptr;
    Spinlock output_lock_;
    LogRing<kept_output> kept_ CAIRN_GUARDED_BY(output_lock_);
    std::uint64_t console_at_ CAIRN_GUARDED_BY(output_lock_) = 0;  ///< of what is kept
    std::uint64_t port_at_ CAIRN_GUARDED_BY(output_lock_) = 0;
    std::atomic<std::uint64_t> lost_ = 0;

    ConsoleSize size_{};
    static_vector<GuestPort, most_ports> ports_;

    Spinlock input_lock_;
    ring_buffer<uart16550::Character, typed_room> typed_ CAIRN_GUARDED_BY(input_lock_);
    bool was_full_ CAIRN_GUARDED_BY(input_lock_) = false;
    void (*on_room_)() = nullptr;

    Spinlock attachment_;
    InputReceiver* reader_ CAIRN_GUARDED_BY(attachment_) = nullptr;
    std::atomic<InputReceiver*> writer_ =
        nullptr;  ///< the same, for itself: while it writes it is there
};

}  // namespace cairn
