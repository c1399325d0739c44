// SPDX-License-Identifier: MIT
// Driver of one of the machine's own virtio console devices with several ports (VIRTIO 1.2, section
// 5.3), modern or legacy. Ports come, get names, and are opened and closed at the other end by
// control messages; what they carry are bytes:
//
//     negotiate ──► start ──► ready ──► device says: port, name, open
//     use ──► device passes on what comes            read, write
//                                └─ interrupted ──► HostConsoleOwner::wants_turn
//
// Nobody waits for a port: what does not fit, `write` does not take. What comes to a port that
// nobody has named, or used, stays where it is. Any hart; a lock of its own, a leaf.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include "kernel/arch/devices/virtio_console_ports.hpp"
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/host_port.hpp"

namespace cairn {

class HostConsoleOwner {
  public:
    /// Something has come: a port, a name, bytes, room; or a port was opened or closed. Within an
    /// interrupt; no lock of the driver's is held.
    virtual void wants_turn() = 0;

  protected:
    ~HostConsoleOwner() = default;
};

class HostConsole {
  public:
    /// QEMU forgets what it says at once of more.
    static constexpr std::uint32_t most_ports = 32;

    constexpr HostConsole() = default;
    HostConsole(const HostConsole&) = delete;
    HostConsole& operator=(const HostConsole&) = delete;

    /// Takes the device, which is to interrupt as `source`; how many ports it may have, up to
    /// `most_ports`. `registers` outlive it.
    [[nodiscard]] std::expected<std::uint32_t, VirtioFault> negotiate(VirtioRegisters& registers,
                                                                      HostSource source);
    /// Starts it with so many of `ports`, which outlive it.
    [[nodiscard]] std::expected<void, VirtioFault> start(std::span<HostPort> ports);
    /// The machine cannot have it: it does nothing any more.
    void leave();
    /// Whether it has started, and not gone wrong since.
    [[nodiscard]] bool works() const { return works_.load(std::memory_order_relaxed); }
    /// `owner` outlives it, and is told at once.
    void serve(HostConsoleOwner& owner);

    // Of ports below `ports`.
    [[nodiscard]] std::size_t ports() const { return ports_.size(); }
    /// Empty: it is not there, or has none.
    [[nodiscard]] HostPort::Name name(std::size_t port);
    /// From now on it is somebody's at this end, or not any more; the other end is told.
    void use(std::size_t port, PortUse use);
    /// How often the other end was opened or closed: odd while it is open.
    [[nodiscard]] std::uint32_t turns(std::size_t port) const {
        return ports_[port].turns.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool has_input(std::size_t port);
    /// The next bytes that have come, and how many. What was not read when the other end is closed
    /// is lost, but for a stream's.
    [[nodiscard]] std::size_t read(std::size_t port, std::span<std::byte> to);
    /// How many of `from` there was room for; where not for all, the owner is told once there is
    /// more. All of them are lost where nobody has it open.
    [[nodiscard]] std::size_t write(std::size_t port, std::span<const std::byte> from);

    void interrupted();

  private:
    static constexpr std::size_t messages_in = 32;
    static constexpr std::size_t messages_out = 32;
    /// A name is behind it, which may be longer than those that are anybody's.
    static constexpr std::size_t message_bytes = 256;

    struct Message {
        virtio_console::Control control;
        bool is_lent;
    };
    struct Heard {
        alignas(8) std::array<std::byte, message_bytes> bytes;
    };

    void settle() CAIRN_REQUIRES(lock_);
    void lend(Heard& message) CAIRN_REQUIRES(lock_);
    void take_messages() CAIRN_REQUIRES(lock_);
    void hear(std::span<const std::byte> message) CAIRN_REQUIRES(lock_);
    void hear_of(HostPort& port, const virtio_console::Control& control,
                 std::span<const std::byte> rest) CAIRN_REQUIRES(lock_);
    void take_said() CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool say(const virtio_console::Control& control) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool say_owed() CAIRN_REQUIRES(lock_);
    static void set_name(HostPort& port, std::span<const std::byte> name);
    void close(HostPort& port) CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue hear_ CAIRN_GUARDED_BY(lock_);
    DriverQueue say_ CAIRN_GUARDED_BY(lock_);
    std::array<Heard, messages_in> heard_ CAIRN_GUARDED_BY(lock_){};
    std::array<Message, messages_out> said_ CAIRN_GUARDED_BY(lock_){};
    std::span<HostPort> ports_;
    HostConsoleOwner* owner_ CAIRN_GUARDED_BY(lock_) = nullptr;
    HostSource source_{};
    std::atomic<bool> works_ = false;
};

/// The machine's, in the order of its device tree; nullptr where there are fewer.
[[nodiscard]] HostConsole* host_console(std::size_t number);
[[nodiscard]] std::size_t host_console_count();
/// One more, or nullptr where there is no room for it.
[[nodiscard]] HostConsole* next_host_console();
/// The one that `next_host_console` gave works.
void add_host_console();

}  // namespace cairn
