// SPDX-License-Identifier: MIT
// What waits for a UART's transmitter. A byte goes out at once where nothing waits and the
// transmitter is empty; else it waits here, and each interrupt of the empty transmitter takes as
// many as its FIFO holds:
//
//     put() ──► nothing waits, and it is ready? ──► send
//               else [ waits ... ] ── interrupt ──► drain(): a FIFO of them
//
// The order is that of `put`. It has no lock: who calls guards it. Pure.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

#include <cairn/ring_buffer.hpp>
#include "kernel/arch/devices/uart16550_registers.hpp"

namespace cairn {

template <class Uart>
concept Transmitter = requires(Uart& uart, char byte) {
    { uart.is_ready() } -> std::convertible_to<bool>;  // its FIFO is empty
    uart.send(byte);                                   // while it has room
    uart.interrupt_when_ready(true);
    { uart.depth() } -> std::convertible_to<std::size_t>;  // 1 to uart16550::fifo_depth
};

template <std::size_t Capacity>
class TransmitQueue {
  public:
    constexpr TransmitQueue() = default;

    /// How many wait.
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    [[nodiscard]] std::size_t room() const { return waiting_.room(); }

    /// False where there is no room; then nothing has changed.
    template <Transmitter Uart>
    [[nodiscard]] bool put(Uart& uart, char byte) {
        if (waiting_.empty() && uart.is_ready()) {
            uart.send(byte);
            return true;
        }
        if (!waiting_.try_push_back(byte)) return false;
        if (waiting_.size() == 1) uart.interrupt_when_ready(true);
        return true;
    }
    /// Sends as many as the transmitter takes at once; false where it takes none now, or none
    /// waits.
    template <Transmitter Uart>
    bool drain(Uart& uart) {
        if (waiting_.empty() || !uart.is_ready()) return false;
        std::array<char, uart16550::fifo_depth> bytes{};
        const std::size_t count = waiting_.try_pop_front(std::span(bytes).first(uart.depth()));
        for (std::size_t i = 0; i < count; ++i)
            uart.send(bytes[i]);
        if (waiting_.empty()) uart.interrupt_when_ready(false);
        return true;
    }
    /// Sends all, however long it takes.
    template <Transmitter Uart>
    void drain_all(Uart& uart) {
        while (!waiting_.empty())
            drain(uart);
    }

  private:
    ring_buffer<char, Capacity> waiting_;
};

}  // namespace cairn
