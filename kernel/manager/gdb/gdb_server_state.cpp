// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Registers and memory, as GdbServer has them read and written.
#include <algorithm>
#include <array>

#include "kernel/manager/gdb/gdb_reply.hpp"
#include "kernel/manager/gdb/gdb_server.hpp"
#include "kernel/manager/gdb/hex.hpp"
#include "kernel/manager/gdb/register_file.hpp"

namespace cairn {
namespace {

using Next = GdbServer::Next;
using namespace gdb_reply;

void put_value(std::uint64_t value, std::uint32_t size, Writer& out) {
    std::array<std::byte, sizeof(value)> bytes{};
    for (std::size_t n = 0; n < bytes.size(); ++n)
        bytes[n] = static_cast<std::byte>(value >> (8 * n));
    put_hex_bytes(std::span(bytes).first(size), out);
}

std::optional<std::uint64_t> parse_value(std::string_view text) {
    std::array<std::byte, sizeof(std::uint64_t)> bytes{};
    if (text.size() / 2 > bytes.size() ||
        !parse_hex_bytes(text, std::span(bytes).first(text.size() / 2)))
        return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n)
        value |= std::to_integer<std::uint64_t>(bytes[n]) << (8 * n);
    return value;
}

}  // namespace

// Registers.

Next GdbServer::read_general(const Call& call) {
    for (std::uint32_t n = 0; n < gdb_register::general; ++n)
        put_value(call.target.read_register(cpu_, n).value_or(0), gdb_register_size(n), call.reply);
    return Next::answer;
}

Next GdbServer::write_general(const Call& call) {
    std::string_view rest = call.arguments;
    for (std::uint32_t n = 0; n < gdb_register::general; ++n) {
        const std::size_t digits = 2 * gdb_register_size(n);
        const auto value =
            rest.size() < digits ? std::nullopt : parse_value(rest.substr(0, digits));
        if (!value) return answer(call.reply, bad_packet);
        (void)call.target.write_register(cpu_, n, *value);
        rest.remove_prefix(digits);
    }
    return answer(call.reply, rest.empty() ? "OK" : bad_packet);
}

Next GdbServer::read_one(const Call& call) {
    std::string_view rest = call.arguments;
    const auto number = take_hex(rest);
    if (!number || *number >= gdb_register::end || !rest.empty())
        return answer(call.reply, bad_packet);
    const auto n = static_cast<std::uint32_t>(*number);
    if (n >= gdb_register::first_vector) return read_vector(call, n - gdb_register::first_vector);
    const auto value = call.target.read_register(cpu_, n);
    if (!value) return answer(call.reply, no_such_register);
    put_value(*value, gdb_register_size(n), call.reply);
    return Next::answer;
}

Next GdbServer::write_one(const Call& call) {
    std::string_view rest = call.arguments;
    const auto number = take_hex(rest);
    if (!number || *number >= gdb_register::end || !take_letter(rest, '='))
        return answer(call.reply, bad_packet);
    const auto n = static_cast<std::uint32_t>(*number);
    if (n >= gdb_register::first_vector)
        return write_vector(call, n - gdb_register::first_vector, rest);
    const auto value = parse_value(rest);
    if (!value) return answer(call.reply, bad_packet);
    const bool done = call.target.write_register(cpu_, n, *value);
    return answer(call.reply, done ? "OK" : no_such_register);
}

Next GdbServer::read_vector(const Call& call, std::uint32_t number) {
    std::array<std::byte, most_memory> room;
    const std::uint32_t size = call.target.vector_register_bytes();
    if (size == 0 || size > room.size()) return answer(call.reply, no_such_register);
    const auto bytes = std::span(room).first(size);
    call.target.read_vector(cpu_, number, bytes);
    put_hex_bytes(bytes, call.reply);
    return Next::answer;
}

Next GdbServer::write_vector(const Call& call, std::uint32_t number, std::string_view digits) {
    std::array<std::byte, most_memory> room;
    const std::uint32_t size = call.target.vector_register_bytes();
    if (size == 0 || size > room.size()) return answer(call.reply, no_such_register);
    const auto bytes = std::span(room).first(size);
    if (!parse_hex_bytes(digits, bytes)) return answer(call.reply, bad_packet);
    call.target.write_vector(cpu_, number, bytes);
    return answer(call.reply, "OK");
}

// Memory.

Next GdbServer::read_memory(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    if (!place || !rest.empty()) return answer(call.reply, bad_packet);
    std::array<std::byte, most_memory> room;
    const auto wanted = std::span(room).first(std::min<std::uint64_t>(place->size, room.size()));
    const std::size_t count = call.target.read_memory(cpu_, place->address, wanted);
    if (count == 0 && !wanted.empty()) return answer(call.reply, no_such_place);
    put_hex_bytes(wanted.first(count), call.reply);
    return Next::answer;
}

Next GdbServer::write_memory(const Call& call) {
    std::string_view rest = call.arguments;
    const auto place = take_place(rest);
    std::array<std::byte, most_memory> room;
    if (!place || place->size > room.size() || !take_letter(rest, ':'))
        return answer(call.reply, bad_packet);
    const auto bytes = std::span(room).first(place->size);
    if (!parse_hex_bytes(rest, bytes)) return answer(call.reply, bad_packet);
    const bool done = call.target.write_memory(cpu_, place->address, bytes);
    return answer(call.reply, done ? "OK" : no_such_place);
}

}  // namespace cairn
