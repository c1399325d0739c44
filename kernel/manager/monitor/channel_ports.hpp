// SPDX-License-Identifier: MIT
// Whose the ports of the machine's console devices are. Their names say it:
//
//     cairn.monitor    the monitor's, for programs
//     cairn.vm.NAME    the console of VM NAME, as long as there is one
//     cairn.gdb.NAME   gdb's, at VM NAME
//     cairn.port.PORT@NAME   the other end of port PORT of VM NAME's virtio console
//
// Ports may come and be named at any time, and VMs may be created and destroyed. What has come
// within an interrupt is looked at between guests, under the VM table's lock.
#pragma once

#include <atomic>
#include <optional>
#include <string_view>

#include <cairn/vector.hpp>
#include "kernel/host/virtio/host_console.hpp"
#include "kernel/manager/console/channel_port.hpp"
#include "kernel/manager/monitor/gdb_port.hpp"

namespace cairn {

class GuestChannel;
class VmTable;

class ChannelPorts final : public HostConsoleOwner {
  public:
    static constexpr std::string_view monitor_name = "cairn.monitor";
    static constexpr std::string_view vm_prefix = "cairn.vm.";
    static constexpr std::string_view gdb_prefix = "cairn.gdb.";
    static constexpr std::string_view port_prefix = "cairn.port.";
    static constexpr char vm_mark = '@';  ///< which is in no name of a VM or a port

    constexpr ChannelPorts() = default;
    ChannelPorts(const ChannelPorts&) = delete;
    ChannelPorts& operator=(const ChannelPorts&) = delete;

    /// Takes the machine's. `wanted` becomes true whenever `work` has something to do; both outlive
    /// this. False where the heap has no room for it.
    [[nodiscard]] bool start(VmTable& vms, std::atomic<bool>& wanted);
    /// There may be another VM.
    void look_again() { looks_.store(true, std::memory_order_relaxed); }
    /// Brings ports and VMs together, and serves those that have something.
    void work();
    /// The same for debuggers. As GdbPort::work.
    [[nodiscard]] std::uint64_t debug(std::uint64_t turn);
    /// The monitor's, or nullptr.
    [[nodiscard]] ChannelPort* monitor() { return monitor_; }

    void wants_turn() override;

  private:
    class Line final : public ChannelPort {
      public:
        Line(HostConsole& console, std::size_t number) : console_(console), number_(number) {}
        std::uint32_t turns() override { return console_.turns(number_); }
        bool has_input() override { return console_.has_input(number_); }
        std::size_t read(std::span<std::byte> to) override { return console_.read(number_, to); }
        std::size_t write(std::span<const std::byte> from) override {
            return console_.write(number_, from);
        }

        void look_at_name() { name_ = console_.name(number_); }
        [[nodiscard]] std::string_view name() const { return {name_.data(), name_.size()}; }
        [[nodiscard]] bool is_of(std::string_view vm) const {
            return name().starts_with(vm_prefix) && name().substr(vm_prefix.size()) == vm;
        }
        [[nodiscard]] bool is_of(std::string_view port, std::string_view vm) const;
        void use() { console_.use(number_, PortUse::talk); }
        void set_open(bool open) override {
            console_.use(number_, open ? PortUse::stream : PortUse::none);
        }
        /// The port, for as long as it is named so.
        [[nodiscard]] std::uint64_t debug(VmTable& vms, std::uint64_t turn);

      private:
        HostConsole& console_;
        std::size_t number_;
        HostPort::Name name_{};  ///< when it was last looked at
        std::optional<GdbPort> gdb_;
    };

    void find_monitor();
    template <class... Names>
    [[nodiscard]] Line* find(Names... names);
    void serve_ports(std::string_view vm, GuestChannel& channel);

    vector<Line> lines_;
    VmTable* vms_ = nullptr;
    std::atomic<bool>* wanted_ = nullptr;
    std::atomic<bool> looks_ = false;
    Line* monitor_ = nullptr;
};

}  // namespace cairn
