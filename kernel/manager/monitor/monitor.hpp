// SPDX-License-Identifier: MIT
// The monitor: a prompt on the machine's console that rules the VMs. Ctrl-] changes between it and
// the VM in front (kernel/manager/console/console_multiplexer.hpp). Keys come within interrupts and
// wait here; commands (command_rows.cpp) run between guests, on one hart at a time.
//
//     keys ──► LineEditor ── a line ──► CommandRunner ──► Answer ──► Pager ──► machine's console
//                                          └── it waits: asked again when a hart looks
//
// Programs have a port for the same (monitor_port.hpp), and VMs' consoles have ports
// (kernel/manager/monitor/channel_ports.hpp): they are served here as well, in turns. A command of
// one that waits keeps nobody else waiting.
#pragma once

#include <atomic>

#include <cairn/ring_buffer.hpp>
#include <cairn/string_writer.hpp>
#include "kernel/manager/monitor/channel_ports.hpp"
#include "kernel/manager/monitor/command_runner.hpp"
#include "kernel/manager/monitor/line_editor.hpp"
#include "kernel/manager/monitor/monitor_port.hpp"
#include "kernel/manager/monitor/pager.hpp"
#include "kernel/sched/hart_loop.hpp"

namespace cairn {

class Monitor final : public MonitorInput, public HostWork, public Completer, public KeySource {
  public:
    /// All outlive it.
    constexpr Monitor(VmTable& vms, Scheduler& scheduler, HostResources& host,
                      ConsoleMultiplexer& console)
        : runner_(vms, scheduler, host, console, wanted_),
          port_(vms, scheduler, host, console, wanted_) {}

    /// What `doctor` tells; before the first key.
    void know(const MachineReport& machine) {
        runner_.session().machine = machine;
        port_.know(machine);
    }
    /// Takes the machine's ports; false where the heap has no room for it.
    [[nodiscard]] bool take_ports();

    // MonitorInput, within interrupts.
    void typed(std::byte byte) override;
    void shown(bool shown) override;
    [[nodiscard]] bool has_room() override;
    void has_output_room() override { want(); }

    // HostWork, between guests.
    [[nodiscard]] std::uint64_t due() const override {
        return wanted_.load(std::memory_order_relaxed) ? at_once
                                                       : due_.load(std::memory_order_relaxed);
    }
    bool run() override;

    // KeySource, for a command that takes keys.
    [[nodiscard]] std::optional<std::byte> take_key() override;

    std::string_view complete(std::string_view line, Writer& choices) override;

  private:
    void work();
    [[nodiscard]] std::uint64_t work_for_console();
    void want() { wanted_.store(true, std::memory_order_release); }
    void take_keys();
    void lose_keys(bool may);
    void type(std::byte byte);
    [[nodiscard]] bool take_cancel();
    void execute(std::string_view line);
    void go_on();
    void end_step();
    void show_answer();
    [[nodiscard]] bool bring_guest_to_front();

    std::atomic<bool> wanted_ = false;
    std::atomic<std::uint64_t> due_ = when_asked;  ///< a copy of the wait's
    Spinlock keys_lock_;
    ring_buffer<std::byte, 256> keys_ CAIRN_GUARDED_BY(keys_lock_);
    bool loses_none_ CAIRN_GUARDED_BY(keys_lock_) = false;  ///< a command takes them all
    bool was_full_ CAIRN_GUARDED_BY(keys_lock_) = false;
    std::atomic<bool> greets_ = false;    ///< it has just been given the console
    std::atomic<bool> has_left_ = false;  ///< the console was a guest's since its command began

    Spinlock work_lock_;  ///< one hart at a time; what follows is its
    CommandRunner runner_;
    LineEditor editor_{"cairn> ", *this};
    Pager pager_;
    MonitorPort port_;
    ChannelPorts ports_;
};

}  // namespace cairn
