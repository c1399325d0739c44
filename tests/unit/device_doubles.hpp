// SPDX-License-Identifier: MIT
// Stand-ins for what emulated devices talk to: a wire that remembers, a sink that keeps its bytes,
// and an event log for power.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/arch/uart16550_character.hpp"
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/syscon.hpp"

namespace cairn::test {

class Wire final : public InterruptLine {
  public:
    void set(bool asserted) override {
        ++calls;
        up = asserted;
    }

    bool up = false;
    int calls = 0;
};

class Transcript final : public ByteSink {
  public:
    void put(std::byte byte) override { text.push_back(static_cast<char>(byte)); }

    std::string text;
};

/// `text` as it arrives on a line without errors.
inline std::vector<uart16550::Character> characters(std::string_view text) {
    std::vector<uart16550::Character> all;
    for (const char c : text)
        all.push_back({.value = static_cast<std::byte>(c)});
    return all;
}

/// Input that somebody has typed, for whoever takes it.
class Keyboard final : public InputSource {
  public:
    void type(std::string_view text) { text_ += text; }
    [[nodiscard]] std::size_t waiting() const { return text_.size(); }

    std::optional<uart16550::Character> take() override {
        if (text_.empty()) return std::nullopt;
        const uart16550::Character first{.value = static_cast<std::byte>(text_.front())};
        text_.erase(0, 1);
        return first;
    }
    void listen() override { ++listens; }

    int listens = 0;

  private:
    std::string text_;
};

class PowerLog final : public PowerEvents {
  public:
    struct Event {
        std::string_view what;
        std::uint16_t code;
        bool operator==(const Event&) const = default;
    };

    void power_off(bool failed, std::uint16_t code) override {
        events.push_back({failed ? "fail" : "pass", code});
    }
    void reset() override { events.push_back({"reset", 0}); }

    std::vector<Event> events;
};

}  // namespace cairn::test
