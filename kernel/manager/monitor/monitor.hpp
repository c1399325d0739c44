// SPDX-License-Identifier: MIT
// The monitor: a prompt on the machine's console that rules the VMs. Ctrl-] changes between it and
// the VM in front (kernel/manager/console/console_multiplexer.hpp). Keys come within interrupts and
// wait here; commands run between guests, on one hart at a time. What they print is shown a screen
// at a time.
#pragma once

#include <atomic>

#include <cairn/ring_buffer.hpp>
#include <cairn/string.hpp>
#include "kernel/manager/console/console_multiplexer.hpp"
#include "kernel/manager/monitor/line_editor.hpp"
#include "kernel/manager/vm_table.hpp"
#include "kernel/sched/hart_loop.hpp"

namespace cairn {

class Monitor final : public MonitorInput, public HostWork, public Completer {
  public:
    /// All outlive it.
    constexpr Monitor(VmTable& vms, Scheduler& scheduler, HostResources& host,
                      ConsoleMultiplexer& console)
        : vms_(vms), scheduler_(scheduler), host_(host), console_(console) {}

    // MonitorInput, within interrupts.
    void typed(std::byte byte) override;
    void shown(bool shown) override;

    // HostWork, between guests.
    [[nodiscard]] bool is_wanted() const override {
        return wanted_.load(std::memory_order_relaxed);
    }
    bool run() override;

    std::string_view complete(std::string_view line, Writer& choices) override;

  private:
    struct Command {
        std::string_view name;
        std::string_view argument;  ///< what follows: "VM" or nothing
        std::string_view summary;
        void (Monitor::*run)(std::string_view argument, Writer& out);
    };
    static const std::array<Command, 14> commands;

    void take_key(std::byte byte);
    void execute(std::string_view line);
    void show_more();
    void bring_guest_to_front();

    void help(std::string_view argument, Writer& out);
    void list(std::string_view argument, Writer& out);
    void console(std::string_view argument, Writer& out);
    void start(std::string_view argument, Writer& out);
    void stop(std::string_view argument, Writer& out);
    void reset(std::string_view argument, Writer& out);
    void pause(std::string_view argument, Writer& out);
    void resume(std::string_view argument, Writer& out);
    void info(std::string_view argument, Writer& out);
    void stats(std::string_view argument, Writer& out);
    void harts(std::string_view argument, Writer& out);
    void heap(std::string_view argument, Writer& out);
    void frames(std::string_view argument, Writer& out);
    void quit(std::string_view argument, Writer& out);

    VmTable& vms_;
    Scheduler& scheduler_;
    HostResources& host_;
    ConsoleMultiplexer& console_;
    std::atomic<bool> wanted_ = false;
    Spinlock keys_lock_;
    ring_buffer<std::byte, 256> keys_ CAIRN_GUARDED_BY(keys_lock_);
    std::atomic<bool> greets_ = false;  ///< it has just been given the console

    Spinlock work_lock_;  ///< one hart at a time; what follows is its
    LineEditor editor_{"cairn> ", *this};
    string text_;            ///< that a command has printed
    std::size_t shown_ = 0;  ///< of it
    bool is_paging_ = false;
};

}  // namespace cairn
