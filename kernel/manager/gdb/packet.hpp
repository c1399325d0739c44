// SPDX-License-Identifier: MIT
// Packets of the GDB remote protocol ("Debugging with GDB", appendix "GDB Remote Serial Protocol",
// section "Overview"), byte by byte:
//
//     $ body # checksum, two digits        } x  in a body is the byte x ^ 0x20
//     +  it came well      -  send it again      0x03, between packets: stop the program
//
// What comes is input: anything may come at any time, and what is no packet is passed over. A `$`
// always begins a packet, for a body cannot hold one: after half a packet the next is understood.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/static_vector.hpp>
#include <cairn/writer.hpp>

namespace cairn {

class PacketReader {
  public:
    /// Bytes of a body; a longer packet is refused as a whole.
    static constexpr std::size_t most = 2048;

    enum class Event : std::uint8_t {
        nothing,    ///< yet
        packet,     ///< `body` is one
        damaged,    ///< a packet that is too long, or has another checksum
        interrupt,  ///< Ctrl-C
        resend,     ///< the last packet of ours did not come well
    };
    [[nodiscard]] Event take(std::byte byte);
    /// Until the next byte is taken.
    [[nodiscard]] std::string_view body() const { return {body_.data(), body_.size()}; }

  private:
    enum class Place : std::uint8_t { between, in_body, escaped, first_digit, second_digit };

    [[nodiscard]] Event take_between(char letter);
    void take_in_body(char letter);
    void keep(char letter);
    void begin();

    static_vector<char, most> body_;
    Place place_ = Place::between;
    bool is_damaged_ = false;
    std::uint8_t sum_ = 0;
    std::uint8_t told_sum_ = 0;
};

/// Writes `body` as a packet, in one piece with all its escapes.
void write_packet(std::string_view body, Writer& out);

}  // namespace cairn
