// SPDX-License-Identifier: MIT
// What GdbServer's answers and the packets that they answer have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <cairn/writer.hpp>
#include "kernel/manager/gdb/gdb_server.hpp"
#include "kernel/manager/gdb/hex.hpp"

namespace cairn::gdb_reply {

// Errors have numbers, which gdb shows; the protocol gives them no meaning.
inline constexpr std::string_view bad_packet = "E01";
inline constexpr std::string_view no_such_place = "E02";
inline constexpr std::string_view no_such_register = "E03";
inline constexpr std::string_view refused = "E04";

inline GdbServer::Next answer(Writer& reply, std::string_view text) {
    reply.write(text);
    return GdbServer::Next::answer;
}

struct Place {
    std::uint64_t address;
    std::uint64_t size;
};

/// ADDRESS,SIZE at the front of `text`.
inline std::optional<Place> take_place(std::string_view& text) {
    const auto address = take_hex(text);
    if (!address || !take_letter(text, ',')) return std::nullopt;
    const auto size = take_hex(text);
    if (!size) return std::nullopt;
    return Place{*address, *size};
}

}  // namespace cairn::gdb_reply
