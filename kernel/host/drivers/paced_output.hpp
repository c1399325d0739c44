// SPDX-License-Identifier: MIT
// Who may write how far ahead of a UART's wire, as docs/adr/0027 has it. Before `begin` and after
// `end` whoever writes waits for the UART; in between, bytes wait in a queue for its interrupt.
//
//     guests:         told to stop once 2 KiB wait, to go on once 512 are left. One that writes
//                     nevertheless has some credit: it may be in the midst of filling its FIFO
//     the hypervisor: up to 16 KiB wait; then it waits itself, as long as the wire moves
//
// It has no lock: who calls guards it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/drivers/transmit_queue.hpp"

namespace cairn {

// A guest is stopped early: what it has printed stands before all that is written later. At 115200
// baud 2 KiB take 0.18 s.
inline constexpr std::size_t guests_stop_at = 2048;
inline constexpr std::size_t guests_go_on_at = 512;
inline constexpr unsigned guests_credit = 64;
inline constexpr std::size_t output_room = 16 << 10;

template <Transmitter Uart>
class PacedOutput {
  public:
    constexpr PacedOutput() = default;

    /// The UART's interrupt is served from now on. Where the wire does not move for `patience`
    /// ticks of `time` though all room is used, the hypervisor's own bytes are lost.
    void begin(std::uint64_t patience) {
        patience_ = patience;
        queues_ = true;
    }
    /// Sends all that waits, however long it takes.
    void end(Uart& uart) {
        waiting_.drain_all(uart);
        queues_ = stops_guests_ = false;
    }

    /// In any case, but for what is lost.
    void write(Uart& uart, char byte) {
        if (!queues_) return uart.write(byte);
        if (waiting_.put(uart, byte)) [[likely]]
            return;
        if (!make_room(uart) || !waiting_.put(uart, byte)) ++lost_;
    }
    /// Before a guest's byte: whether guests are too far ahead of the wire. They are told to stop
    /// then.
    [[nodiscard]] bool are_guests_ahead() {
        if (stops_guests_) return true;
        if (!queues_ || waiting_.size() < guests_stop_at) return false;
        credit_ = guests_credit;
        return stops_guests_ = true;
    }
    /// One more byte nevertheless; false where it is lost.
    [[nodiscard]] bool take_credit() {
        if (credit_ == 0) return false;
        --credit_;
        return true;
    }
    [[nodiscard]] bool takes_guests() const { return !stops_guests_; }

    /// The UART's interrupt: true where guests that were told to stop may go on.
    [[nodiscard]] bool send_waiting(Uart& uart) {
        if (waiting_.drain(uart)) is_stuck_ = false;
        if (!stops_guests_ || waiting_.size() > guests_go_on_at) return false;
        stops_guests_ = false;
        return true;
    }

    [[nodiscard]] std::size_t room() const { return waiting_.room(); }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    std::uint64_t take_lost() { return std::exchange(lost_, 0); }

  private:
    [[nodiscard]] bool make_room(Uart& uart) {
        const std::uint64_t begin = csr_read<Csr::time>();
        while (!waiting_.drain(uart)) {
            is_stuck_ = is_stuck_ || csr_read<Csr::time>() - begin > patience_;
            if (is_stuck_) return false;
        }
        is_stuck_ = false;
        return true;
    }

    TransmitQueue<output_room> waiting_;
    bool queues_ = false;
    bool stops_guests_ = false;  ///< they have been told, and not yet that they may go on
    bool is_stuck_ = false;      ///< the wire has not moved for longer than `patience_`
    unsigned credit_ = 0;        ///< what is still taken of guests that have been told to stop
    std::uint64_t patience_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace cairn
