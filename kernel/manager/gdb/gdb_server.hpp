// SPDX-License-Identifier: MIT
// The stub's side of the GDB remote protocol ("Debugging with GDB", appendix "GDB Remote Serial
// Protocol", sections "Packets", "Stop Reply Packets" and "General Query Packets"): what a packet's
// body asks for, and what answers it. All-stop, one process, a thread for each vCPU, numbered from
// 1. It is asked only while the target stands still.
//
// A packet is input: each is answered, by an empty body where it is not known and by E and a number
// where it is no good. `k` detaches: a guest is not turned off by leaving a debugger.
//
// Breakpoints in code (Z0), watchpoints (Z2 to Z4) and steps are the target's to make; breakpoints
// of the hart's (Z1) are refused. To a stub that does not know Z0 gdb would write an ebreak into
// the guest's memory, where the guest could see it.
//
// X is not known on purpose. gdb writes memory by M then, and so sends printable letters alone:
// Ctrl-] stays the way back to the monitor for whoever finds the line taken. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include <cairn/writer.hpp>
#include "kernel/manager/gdb/debug_target.hpp"

namespace cairn {

enum class StopSignal : std::uint8_t { interrupt = 2, trap = 5 };  // SIGINT, SIGTRAP

class GdbServer {
  public:
    enum class Next : std::uint8_t {
        answer,  ///< the reply is to be sent, and the target stays as it is
        go_on,   ///< the target runs; the reply is for when it has stopped
        leave,   ///< the reply is to be sent, if there is any, and gdb has detached
    };
    /// What to do about `body`; its reply is written to `reply`.
    [[nodiscard]] Next handle(std::string_view body, DebugTarget& target, Writer& reply);
    struct Stop {
        std::uint32_t cpu;
        StopSignal signal;
        std::optional<Watchpoint> watchpoint{};  ///< that it has met
    };
    /// The reply once the target has stopped. The CPU is at hand then.
    void stopped(const Stop& stop, Writer& reply);

    [[nodiscard]] bool acknowledges() const { return acknowledges_; }
    /// The CPU that packets are about.
    [[nodiscard]] std::uint32_t cpu() const { return cpu_; }

    /// Bytes of memory in one packet, and room for any reply.
    static constexpr std::size_t most_memory = 1000;
    static constexpr std::size_t most_reply = 2 * most_memory + 48;

  private:
    struct Row;
    static const Row rows[];
    struct Call {
        std::string_view arguments;  ///< what follows the packet's name
        DebugTarget& target;
        Writer& reply;
    };

    Next say_stopped(const Call& call);
    Next read_general(const Call& call);
    Next write_general(const Call& call);
    Next read_one(const Call& call);
    Next write_one(const Call& call);
    Next read_vector(const Call& call, std::uint32_t number);
    Next write_vector(const Call& call, std::uint32_t number, std::string_view digits);
    Next read_memory(const Call& call);
    Next write_memory(const Call& call);
    Next choose_thread(const Call& call);
    Next is_alive(const Call& call);
    Next first_threads(const Call& call);
    Next more_threads(const Call& call);
    Next thread_text(const Call& call);
    Next current_thread(const Call& call);
    Next supported(const Call& call);
    Next no_more_acknowledgements(const Call& call);
    Next features(const Call& call);
    Next attached(const Call& call);
    Next command(const Call& call);
    Next known_actions(const Call& call);
    Next resume(const Call& call);
    Next go_on(const Call& call);
    Next insert(const Call& call);
    Next remove(const Call& call);
    Next step(const Call& call);
    Next step_cpu(const Call& call, std::uint32_t cpu);
    Next detach(const Call& call);
    Next leave(const Call& call);

    struct Point;
    [[nodiscard]] static std::expected<Point, std::string_view> parse_point(std::string_view text);
    [[nodiscard]] std::optional<std::uint32_t> parse_thread(std::string_view& text,
                                                            const DebugTarget& target) const;

    bool acknowledges_ = true;
    std::uint32_t cpu_ = 0;
    StopSignal signal_ = StopSignal::trap;
};

}  // namespace cairn
