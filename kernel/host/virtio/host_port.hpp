// SPDX-License-Identifier: MIT
// One port of a virtio console device of the machine's (VIRTIO 1.2, section 5.3): its two queues,
// the buffers in them, and what has been agreed about it by control messages.
//
//     read  ◄── four buffers that the device fills      what is not read stays there, and the
//                                                       device waits
//     write ──► eight buffers that the device empties   where none is free it takes no more
//
// Owned by a HostConsole, whose lock is held.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include <cairn/static_vector.hpp>
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

/// What a port is used for at this end.
enum class PortUse : std::uint8_t {
    none,    ///< nothing: it is closed
    talk,    ///< answers to who has the other end open: what they have sent is theirs alone
    stream,  ///< bytes: what was sent is read, also when the other end is closed again
};

class HostPort {
  public:
    static constexpr std::size_t receive_buffers = 4;
    static constexpr std::size_t receive_bytes = 256;
    static constexpr std::size_t transmit_buffers = 8;
    static constexpr std::size_t transmit_bytes = 512;
    static constexpr std::size_t longest_name = 76;

    using Name = static_vector<char, longest_name>;
    using Count = std::expected<std::size_t, UsedFault>;
    using Done = std::expected<void, UsedFault>;

    HostPort() = default;
    HostPort(const HostPort&) = delete;
    HostPort& operator=(const HostPort&) = delete;

    /// Adds its queues: it is port `number`.
    [[nodiscard]] VirtioTransport::Done start(VirtioTransport& transport, std::uint32_t number);
    /// Lends its buffers, once the device goes.
    void lend_all(VirtioTransport& transport);

    /// The next bytes that have come, and how many; 0: none.
    [[nodiscard]] Count read(VirtioTransport& transport, std::span<std::byte> to);
    [[nodiscard]] bool has_input() const { return current_ != nullptr || receive_.has_used(); }
    /// How many of `from` there was room for; where not for all, the device interrupts once there
    /// is more.
    [[nodiscard]] Count write(VirtioTransport& transport, std::span<const std::byte> from);
    /// Nobody wants what has come so far.
    [[nodiscard]] Done drop_input(VirtioTransport& transport);

    // What the two ends have said. A port without a name is nobody's.
    bool is_there = false;
    PortUse use = PortUse::none;
    bool owes_ready = false;  ///< a port_ready
    bool owes_open = false;   ///< a port_open, as `is_open`
    bool is_open = false;     ///< at this end
    Name name{};
    /// How often the other end was opened or closed: odd while it is open.
    std::atomic<std::uint32_t> turns = 0;

    void set_open(bool open) {
        const std::uint32_t before = turns.load(std::memory_order_relaxed);
        if ((before % 2 != 0) != open) turns.store(before + 1, std::memory_order_release);
    }

  private:
    struct Out {
        std::array<std::byte, transmit_bytes> bytes;
        bool is_lent;
    };

    void lend(void* buffer);
    void notify(VirtioTransport& transport, std::uint32_t index, const DriverQueue& queue);
    [[nodiscard]] Done take_next();
    [[nodiscard]] Done take_written();
    [[nodiscard]] std::size_t fill(std::span<const std::byte> from);

    DriverQueue receive_;
    DriverQueue transmit_;
    std::array<std::array<std::byte, receive_bytes>, receive_buffers> in_{};
    std::array<Out, transmit_buffers> out_{};
    std::uint32_t number_ = 0;
    std::byte* current_ = nullptr;  ///< the buffer that is being read
    std::uint32_t current_size_ = 0;
    std::uint32_t read_of_it_ = 0;
};

}  // namespace cairn
