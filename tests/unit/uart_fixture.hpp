// SPDX-License-Identifier: MIT
// An emulated UART on the bench, with the port access that drivers have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/dev/uart16550.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

namespace cairn::test {

struct UartBench {
    std::uint8_t in(uart16550::Register which) {
        const auto value = uart.read(static_cast<std::uint64_t>(which), AccessWidth::byte);
        return static_cast<std::uint8_t>(value.value());
    }
    void out(uart16550::Register which, unsigned value) {
        uart.write(static_cast<std::uint64_t>(which), AccessWidth::byte, value).value();
    }
    void type(std::string_view text) {
        keyboard.type(text);
        uart.input_arrived();
    }
    /// One character that comes with errors: bits of LSR.
    void type_faulty(char value, unsigned errors) {
        keyboard.type({static_cast<std::byte>(value), static_cast<std::uint8_t>(errors)});
        uart.input_arrived();
    }
    /// Reads RBR for as long as LSR says that there is something.
    std::string drain() {
        std::string text;
        while ((in(uart16550::Register::lsr) & 1) != 0) {
            text.push_back(static_cast<char>(in(uart16550::Register::rbr)));
        }
        return text;
    }

    Transcript screen;
    Keyboard keyboard;
    Wire wire;
    Uart16550 uart{screen, keyboard, wire};
};

}  // namespace cairn::test
