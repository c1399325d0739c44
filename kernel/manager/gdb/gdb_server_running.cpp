// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// How the target runs for gdb, and where it stops.
#include <expected>

#include "kernel/manager/gdb/gdb_reply.hpp"
#include "kernel/manager/gdb/gdb_server.hpp"
#include "kernel/manager/gdb/hex.hpp"

namespace cairn {

using Next = GdbServer::Next;
using namespace gdb_reply;

// Running.

Next GdbServer::known_actions(const Call& call) {
    return answer(call.reply, "vCont;c;C;s;S");
}

/// Actions with or without a thread each: all threads go on, or the one that is named alone; where
/// one steps, all others stay.
Next GdbServer::resume(const Call& call) {
    std::string_view rest = call.arguments;
    std::optional<std::uint32_t> stepped;
    std::optional<std::uint32_t> named;
    unsigned others = 0;
    for (bool first = true; first || take_letter(rest, ';'); first = false) {
        const char action = rest.empty() ? ' ' : rest.front();
        const bool has_signal = action == 'C' || action == 'S';
        if (!has_signal && action != 'c' && action != 's') return answer(call.reply, bad_packet);
        rest.remove_prefix(1);
        if (has_signal && !take_hex(rest)) return answer(call.reply, bad_packet);
        const bool is_one = take_letter(rest, ':') && !rest.starts_with('-');
        const auto cpu =
            is_one || rest.starts_with('-') ? parse_thread(rest, call.target) : std::optional(cpu_);
        if (!cpu) return answer(call.reply, bad_packet);
        if (!stepped && (action == 's' || action == 'S')) stepped = cpu;
        others += !is_one || named ? 1 : 0;
        if (is_one && !named) named = cpu;
    }
    if (!rest.empty()) return answer(call.reply, bad_packet);
    if (stepped) return step_cpu(call, *stepped);
    if (named && others == 0) call.target.run_alone(*named);
    return Next::go_on;
}

Next GdbServer::step(const Call& call) {
    return call.arguments.empty() ? step_cpu(call, cpu_) : answer(call.reply, bad_packet);
}

Next GdbServer::step_cpu(const Call& call, std::uint32_t cpu) {
    if (!call.target.begin_step(cpu)) return answer(call.reply, refused);
    cpu_ = cpu;
    return Next::go_on;
}

// Breakpoints, whatever the length of the instruction (the packet's kind), and watchpoints.

struct GdbServer::Point {
    bool in_code;
    WatchKind watch;
    WatchedBytes bytes;
};

/// TYPE,ADDRESS,KIND. Of types, 0 is a software breakpoint and 2 to 4 are watchpoints; 1 is one of
/// the hart's own, which there are none of.
std::expected<GdbServer::Point, std::string_view> GdbServer::parse_point(std::string_view text) {
    constexpr WatchKind watches[]{WatchKind::write, WatchKind::read, WatchKind::access};
    const auto type = take_hex(text);
    if (!type || !take_letter(text, ',')) return std::unexpected(bad_packet);
    const auto place = take_place(text);
    if (!place || !text.empty()) return std::unexpected(bad_packet);
    if (*type == 1 || *type > 4) return std::unexpected(refused);
    return Point{.in_code = *type == 0,
                 .watch = *type == 0 ? WatchKind::access : watches[*type - 2],
                 .bytes = {.address = place->address, .size = place->size}};
}

Next GdbServer::insert(const Call& call) {
    const auto point = parse_point(call.arguments);
    if (!point) return answer(call.reply, point.error());
    const bool done = point->in_code
                          ? call.target.insert_breakpoint(cpu_, point->bytes.address)
                          : call.target.insert_watchpoint(cpu_, point->bytes, point->watch);
    return answer(call.reply, done ? "OK" : refused);
}

Next GdbServer::remove(const Call& call) {
    const auto point = parse_point(call.arguments);
    if (!point) return answer(call.reply, point.error());
    if (point->in_code) {
        const bool done = call.target.remove_breakpoint(point->bytes.address);
        return answer(call.reply, done ? "OK" : no_such_place);
    }
    call.target.remove_watchpoint(point->bytes, point->watch);
    return answer(call.reply, "OK");
}

Next GdbServer::go_on(const Call& call) {
    return call.arguments.empty() ? Next::go_on : answer(call.reply, bad_packet);
}

Next GdbServer::detach(const Call& call) {
    call.reply.write("OK");
    return Next::leave;
}

Next GdbServer::leave(const Call&) {
    return Next::leave;
}

}  // namespace cairn
