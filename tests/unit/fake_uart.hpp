// SPDX-License-Identifier: MIT
// Transmitters for what writes to the machine's UART: their wires move when the test says so.
#pragma once

#include <deque>
#include <string>

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn::test {

/// A 16550 whose FIFO loses what does not fit.
struct FakeUart {
    [[nodiscard]] bool is_ready() const { return fifo.empty(); }
    void send(char byte) {
        if (fifo.size() < fifo_size) {
            fifo.push_back(byte);
        } else {
            ++overruns;
        }
    }
    void write(char byte) {
        while (!is_ready())
            pass(1);
        send(byte);
    }
    void interrupt_when_ready(bool on) { interrupts = on; }
    [[nodiscard]] std::size_t depth() const { return fifo_size; }

    void pass(std::size_t count) {
        for (; count != 0 && !fifo.empty(); --count) {
            wire.push_back(fifo.front());
            fifo.pop_front();
        }
    }
    [[nodiscard]] bool is_interrupting() const { return interrupts && is_ready(); }

    std::size_t fifo_size = 16;
    std::deque<char> fifo;
    std::string wire;
    bool interrupts = false;
    int overruns = 0;
};

/// Moves by itself whenever it is looked at, unless it is held up.
struct MovingUart : FakeUart {
    [[nodiscard]] bool is_ready() {
        if (moves) pass(1);
        return fifo.empty();
    }
    bool moves = true;
};

/// Each look at it takes a tick.
struct WatchedUart : FakeUart {
    [[nodiscard]] bool is_ready() {
        ++fake_csr(Csr::time);
        ++looks;
        return fifo.empty();
    }
    int looks = 0;
};

inline std::string numbered(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text.push_back(static_cast<char>('!' + i % 90));
    return text;
}

/// Serves interrupts until none comes; how many that were.
template <class Serve>
int serve_all(FakeUart& uart, Serve serve) {
    int served = 0;
    for (; !uart.fifo.empty() || uart.is_interrupting(); ++served) {
        uart.pass(16);
        if (uart.is_interrupting()) serve();
    }
    return served;
}

}  // namespace cairn::test
