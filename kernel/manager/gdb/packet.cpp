// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/packet.hpp"

#include <cairn/print.hpp>
#include "kernel/manager/gdb/hex.hpp"

namespace cairn {
namespace {

constexpr char packet_start = '$';
constexpr char packet_end = '#';
constexpr char escape = '}';
constexpr char run_length = '*';  // in what we send: the letter before it, many times
constexpr char escape_flip = 0x20;
constexpr char end_of_text = 3;

bool needs_escape(char letter) {
    return letter == packet_start || letter == packet_end || letter == escape ||
           letter == run_length;
}

}  // namespace

void PacketReader::begin() {
    body_.clear();
    place_ = Place::in_body;
    is_damaged_ = false;
    sum_ = 0;
}

PacketReader::Event PacketReader::take(std::byte byte) {
    const char letter = static_cast<char>(byte);
    if (letter == packet_start) {
        begin();
        return Event::nothing;
    }
    switch (place_) {
        case Place::between: return take_between(letter);
        case Place::in_body:
        case Place::escaped: take_in_body(letter); return Event::nothing;
        case Place::first_digit:
        case Place::second_digit: break;
    }
    const auto digit = hex_digit(letter);
    if (!digit) is_damaged_ = true;
    told_sum_ = static_cast<std::uint8_t>(told_sum_ * 16u + digit.value_or(0));
    if (place_ == Place::first_digit) {
        place_ = Place::second_digit;
        return Event::nothing;
    }
    place_ = Place::between;
    return is_damaged_ || told_sum_ != sum_ ? Event::damaged : Event::packet;
}

PacketReader::Event PacketReader::take_between(char letter) {
    if (letter == end_of_text) return Event::interrupt;
    return letter == '-' ? Event::resend : Event::nothing;
}

void PacketReader::take_in_body(char letter) {
    if (letter == packet_end) {
        is_damaged_ |= place_ == Place::escaped;
        place_ = Place::first_digit;
        return;
    }
    sum_ = static_cast<std::uint8_t>(sum_ + static_cast<std::uint8_t>(letter));
    if (place_ == Place::escaped) {
        place_ = Place::in_body;
        return keep(static_cast<char>(letter ^ escape_flip));
    }
    if (letter != escape) return keep(letter);
    place_ = Place::escaped;
}

void PacketReader::keep(char letter) {
    if (body_.try_push_back(letter) == nullptr) is_damaged_ = true;
}

void write_packet(std::string_view body, Writer& out) {
    std::uint8_t sum = 0;
    const auto put = [&](char letter) {
        sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(letter));
        out.write({&letter, 1});
    };
    out.write({&packet_start, 1});
    for (const char letter : body) {
        if (needs_escape(letter)) {
            put(escape);
            put(static_cast<char>(letter ^ escape_flip));
        } else {
            put(letter);
        }
    }
    print(out, "#{:02x}", sum);
}

}  // namespace cairn
