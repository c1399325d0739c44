// SPDX-License-Identifier: MIT
// Runs the monitor's commands for one of those who give them, one at a time: the console, or a port
// (monitor.hpp, monitor_port.hpp). One that cannot answer at once leaves a `Wait`, and goes on when
// it is asked to. What a command keeps meanwhile is this one's session alone.
//
// Its owner has the monitor's lock.
#pragma once

#include <string_view>

#include <cairn/writer.hpp>
#include "kernel/manager/commands/session.hpp"

namespace cairn {

class CommandRunner {
  public:
    /// All outlive it. `wanted` becomes true when a command that waits has what it waits for.
    constexpr CommandRunner(VmTable& vms, Scheduler& scheduler, HostResources& host,
                            ConsoleMultiplexer& console, std::atomic<bool>& wanted)
        : session_{.vms = vms,
                   .scheduler = scheduler,
                   .host = host,
                   .console = console,
                   .sample{wanted}} {}

    [[nodiscard]] Session& session() { return session_; }
    [[nodiscard]] const Session& session() const { return session_; }
    /// How the last answer is written.
    [[nodiscard]] const Answer::Style& style() const { return style_; }

    /// Begins what `line` says; `json`: as if it asked for JSON.
    void execute(std::string_view line, bool json, Writer& out);
    /// Whether a command is not through yet.
    [[nodiscard]] bool is_waiting() const { return command_ != nullptr; }
    // While one is not:
    void go_on(Writer& out);
    /// Nobody waits for its answer any more.
    void cancel(Writer& out);
    /// When, by `time`, it is to go on.
    [[nodiscard]] std::uint64_t due() const { return session_.wait.until; }

  private:
    void begin(const Command& command, const CommandLine& line, Answer& answer);
    void finish(Answer& answer);

    Session session_;
    const Command* command_ = nullptr;  ///< that waits
    Answer::Style style_;
};

}  // namespace cairn
