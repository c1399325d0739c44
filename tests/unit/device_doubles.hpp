// SPDX-License-Identifier: MIT
// Stand-ins for what emulated devices talk to: a wire that remembers, a sink that keeps its bytes,
// and an event log for power.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/arch/devices/uart16550_character.hpp"
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
    void put(std::byte byte) override {
        text.push_back(static_cast<char>(byte));
        if (!Transcript::has_output_room() && writer != nullptr) writer->output_stops();
    }
    std::size_t put(std::span<const std::byte> bytes) override {
        std::size_t count = 0;
        for (; count < bytes.size() && Transcript::has_output_room(); ++count)
            text.push_back(static_cast<char>(bytes[count]));
        return count;
    }
    bool has_output_room() override { return text.size() < room; }

    std::string text;
    std::size_t room = std::string::npos;  ///< what it takes before it tells `writer` to stop
    InputReceiver* writer = nullptr;
};

/// Input that somebody has typed, for whoever takes it.
class Keyboard final : public InputSource {
  public:
    void type(std::string_view text) {
        for (const char c : text)
            type(uart16550::Character{.value = static_cast<std::byte>(c)});
    }
    void type(uart16550::Character character) { typed_.push_back(character); }
    [[nodiscard]] std::size_t waiting() const { return typed_.size(); }

    std::optional<uart16550::Character> take() override {
        if (typed_.empty()) {
            ++found_empty;
            return std::nullopt;
        }
        const auto first = typed_.front();
        typed_.pop_front();
        return first;
    }

    int found_empty = 0;

  private:
    std::deque<uart16550::Character> typed_;
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
