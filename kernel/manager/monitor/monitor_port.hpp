// SPDX-License-Identifier: MIT
// The monitor for programs: commands come by a port of the machine's, one a line, and are answered
// as with --json, one object a line. Who opens the port is greeted first; what the one before has
// sent or asked for is forgotten then. An answer waits for the port's room as a whole, and the next
// command waits for it.
//
//     port ──► bytes ──► line ──► CommandRunner ──► text ──► port
//
// Its owner has the monitor's lock.
#pragma once

#include <array>
#include <cstdint>

#include <cairn/string_writer.hpp>
#include "kernel/manager/console/channel_port.hpp"
#include "kernel/manager/monitor/command_runner.hpp"
#include "kernel/manager/monitor/port_line.hpp"

namespace cairn {

class MonitorPort {
  public:
    /// Of the greeting: what a program may rely on.
    static constexpr unsigned protocol = 1;

    /// As CommandRunner.
    constexpr MonitorPort(VmTable& vms, Scheduler& scheduler, HostResources& host,
                          ConsoleMultiplexer& console, std::atomic<bool>& wanted)
        : runner_(vms, scheduler, host, console, wanted) {}

    void know(const MachineReport& machine) { runner_.session().machine = machine; }
    /// A piece of what has come by `port`, which may be nullptr or another than before. When, by
    /// `time`, there is more: as HostWork::due.
    [[nodiscard]] std::uint64_t work(ChannelPort* port);

  private:
    void begin(ChannelPort* port, std::uint32_t turns);
    void forget();
    [[nodiscard]] bool send();
    /// True where a line was complete.
    [[nodiscard]] bool take_bytes();
    void end_line();
    void end_step(StringWriter<allocator<char>>& out);

    CommandRunner runner_;
    ChannelPort* port_ = nullptr;
    std::uint32_t turns_ = 0;
    std::array<std::byte, 64> chunk_{};  ///< what was read and is no line yet
    std::size_t chunk_size_ = 0;
    std::size_t taken_ = 0;  ///< of it
    PortLine line_;
    string text_;               ///< the answer
    bool has_no_room_ = false;  ///< for it
    std::size_t sent_ = 0;      ///< of it
};

}  // namespace cairn
