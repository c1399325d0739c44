// SPDX-License-Identifier: MIT
// One port of a virtio console (VIRTIO 1.2, section 5.3): the bytes in its two queues, and what its
// driver is to hear about it.
//
//     transmitq ──► 256 bytes at a time ──► ConsoleEnd ── takes less: the buffer waits, until
//     `look` receiveq  ◄── as many as there are ◄── ConsoleEnd
//
// A buffer is given back when all of it is written, so a guest that is ahead of the other end waits
// for its buffers. What was sent before the other end was closed comes before that is said. Owned
// by its device; no locking.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/arch/devices/virtio_console_ports.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

/// What is at the other end of a port.
class ConsoleEnd {
  public:
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// The next bytes that were sent to the guest, and how many. Where fewer than `to` has, the
    /// device is told when there are more (VirtioConsole::look).
    [[nodiscard]] virtual std::size_t read(std::span<std::byte> to) = 0;
    /// How many of `from` there was room for. Where not for all, the device is told when there is
    /// more.
    [[nodiscard]] virtual std::size_t write(std::span<const std::byte> from) = 0;
    /// How often it was opened or closed: odd while it is open.
    [[nodiscard]] virtual std::uint32_t turns() = 0;
    /// Whether the driver takes input by the port, once that changes.
    virtual void port_reads(bool reads) = 0;

  protected:
    ~ConsoleEnd() = default;
};

class ConsolePort {
  public:
    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;
    /// What the driver is to hear: Control's.
    struct Message {
        std::uint16_t event;
        std::uint16_t value;
    };

    ConsolePort() = default;
    ConsolePort(const ConsolePort&) = delete;
    ConsolePort& operator=(const ConsolePort&) = delete;

    /// Before anything else; all outlive it. Whether it `is_console`: for people.
    void connect(ConsoleEnd& end, bool is_console, VirtQueue& receive, VirtQueue& transmit);
    [[nodiscard]] ConsoleEnd& end() { return *end_; }

    /// As many bytes as the turn allows, both ways; whether there is more. `chain` is at nobody's
    /// disposal meanwhile. Without ports it is open at once.
    [[nodiscard]] Answer work(DmaTurn& turn, DescriptorChain& chain, bool has_ports);
    /// There may be something to read, room to write, or the end was opened or closed: whether a
    /// turn has something to do then.
    [[nodiscard]] bool look();

    // What device and driver agree about by messages.
    /// The driver has become ready for the device.
    void add() {
        if (!is_added_) untold_ |= bit_of(virtio_console::event::port_add);
    }
    /// Its size has changed, or becomes known.
    void tell_size() {
        if (is_ready_) untold_ |= bit_of(virtio_console::event::resize);
    }
    void hear(const Message& message);
    /// What the driver is to hear next.
    [[nodiscard]] std::optional<Message> due();
    /// It has.
    void told(const Message& message);

    // Of queues that are about to be stopped.
    void forget_receive();
    void forget_transmit() { is_writing_ = false; }
    void forget_messages();

  private:
    [[nodiscard]] static constexpr std::uint32_t bit_of(std::uint16_t event) {
        return std::uint32_t{1} << event;
    }
    void note_reader(bool has_ports);
    [[nodiscard]] Answer receive(DmaTurn& turn, DescriptorChain& chain);
    [[nodiscard]] Done fill(DmaTurn& turn, const DescriptorChain& chain);
    [[nodiscard]] Answer transmit(DmaTurn& turn);
    [[nodiscard]] Answer write_out(DmaTurn& turn);

    ConsoleEnd* end_ = nullptr;
    VirtQueue* receive_ = nullptr;
    VirtQueue* transmit_ = nullptr;
    bool is_console_ = false;
    bool is_added_ = false;      ///< the driver has heard of it
    bool is_ready_ = false;      ///< the driver is, for it
    bool is_open_ = false;       ///< the driver has said so
    bool is_told_open_ = false;  ///< of the other end
    bool reads_ = false;         ///< as the end was told
    bool input_waits_ = false;   ///< not yet found empty
    bool is_writing_ = false;
    std::uint32_t untold_ = 0;      ///< events that the driver is to hear of, bit by number
    std::uint32_t told_turns_ = 0;  ///< of the end's
    std::uint32_t seen_turns_ = 0;  ///< of those that are about to be told
    DescriptorChain output_from_;   ///< being written
    BufferStream left_;             ///< of it
};

}  // namespace cairn
