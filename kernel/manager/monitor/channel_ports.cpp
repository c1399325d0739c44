// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/channel_ports.hpp"

#include <algorithm>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/vm_table.hpp"
#include "kernel/sched/host_work.hpp"

namespace cairn {

bool ChannelPorts::start(VmTable& vms, std::atomic<bool>& wanted) {
    vms_ = &vms;
    wanted_ = &wanted;
    for (std::size_t n = 0; n < host_console_count(); ++n) {
        HostConsole& console = *host_console(n);
        for (std::size_t port = 0; port < console.ports(); ++port)
            if (!lines_.try_emplace_back(console, port)) return false;
    }
    for (std::size_t n = 0; n < host_console_count(); ++n)
        host_console(n)->serve(*this);
    return true;
}

void ChannelPorts::wants_turn() {
    looks_.store(true, std::memory_order_relaxed);
    wanted_->store(true, std::memory_order_release);
}

void ChannelPorts::find_monitor() {
    if (monitor_ != nullptr && monitor_->name() == monitor_name) return;
    const auto found = std::ranges::find(lines_, monitor_name, &Line::name);
    monitor_ = found == lines_.end() ? nullptr : &*found;
    if (monitor_ != nullptr) monitor_->use();
}

bool ChannelPorts::Line::is_of(std::string_view port, std::string_view vm) const {
    if (!name().starts_with(port_prefix)) return false;
    const std::string_view rest = name().substr(port_prefix.size());
    const std::size_t at = rest.find(vm_mark);
    return at == port.size() && rest.starts_with(port) && rest.substr(at + 1) == vm;
}

/// The line of a VM's console, or of a port and its VM.
template <class... Names>
ChannelPorts::Line* ChannelPorts::find(Names... names) {
    const auto found =
        std::ranges::find_if(lines_, [=](const Line& line) { return line.is_of(names...); });
    return found == lines_.end() ? nullptr : &*found;
}

void ChannelPorts::work() {
    if (lines_.empty() || !looks_.exchange(false, std::memory_order_acquire)) return;
    for (Line& line : lines_)
        line.look_at_name();
    find_monitor();
    vms_->visit_channels([&](std::string_view vm, GuestChannel& channel) {
        auto* const line = static_cast<Line*>(channel.port());
        if (line == nullptr || !line->is_of(vm)) {
            Line* const own = find(vm);
            if (own != line) channel.connect(own);
            if (own != nullptr) own->use();
        }
        channel.serve_port();
        serve_ports(vm, channel);
    });
}

void ChannelPorts::serve_ports(std::string_view vm, GuestChannel& channel) {
    bool has_news = false;
    for (GuestPort& port : channel.ports()) {
        port.connect(find(port.name(), vm));
        has_news = port.has_news() || has_news;
    }
    if (has_news) channel.output_goes_on();
}

std::uint64_t ChannelPorts::Line::debug(VmTable& vms, std::uint64_t turn) {
    if (!name().starts_with(gdb_prefix)) {  // it may have been, and was unplugged
        if (gdb_ && !gdb_->leave()) return csr_read<Csr::time>() + turn / 4;
        gdb_.reset();
        return HostWork::when_asked;
    }
    if (!gdb_) gdb_.emplace(*this);
    use();
    return gdb_->work(vms, name().substr(gdb_prefix.size()), turn);
}

std::uint64_t ChannelPorts::debug(std::uint64_t turn) {
    std::uint64_t due = HostWork::when_asked;
    for (Line& line : lines_)
        due = std::min(due, line.debug(*vms_, turn));
    return due;
}

}  // namespace cairn
