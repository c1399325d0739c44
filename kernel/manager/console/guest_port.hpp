// SPDX-License-Identifier: MIT
// A further port of a VM's virtio console, and the port of the machine's at its other end, if there
// is one. It keeps no bytes: what one end does not take stays at the other. It outlives its VM, and
// is the next run's, too.
//
//     VirtioConsole ◄─► GuestPort ◄─► ChannelPort
//
// Any hart may call; behind its lock comes the machine's port's.
#pragma once

#include <atomic>

#include <cairn/spinlock.hpp>
#include "kernel/dev/virtio/console_port.hpp"
#include "kernel/manager/console/channel_port.hpp"

namespace cairn {

class GuestPort final : public ConsoleEnd {
  public:
    /// `name` outlives it.
    explicit GuestPort(std::string_view name) : name_(name) {}
    GuestPort(const GuestPort&) = delete;
    GuestPort& operator=(const GuestPort&) = delete;

    std::string_view name() const override { return name_; }
    std::size_t read(std::span<std::byte> to) override;
    std::size_t write(std::span<const std::byte> from) override;
    std::uint32_t turns() override;
    void port_reads(bool reads) override;

    /// The machine's, which outlives it; nullptr: none any more.
    void connect(ChannelPort* port);
    /// Whether it may have something for its VM: input, room that is waited for, or it was opened
    /// or closed since this was last asked. For one at a time.
    [[nodiscard]] bool has_news();

  private:
    std::string_view name_;
    Spinlock lock_;
    std::atomic<ChannelPort*> port_ = nullptr;  ///< changes under the lock
    bool reads_ CAIRN_GUARDED_BY(lock_) = false;
    std::atomic<bool> wants_room_ = false;
    std::uint32_t seen_turns_ = 0;
};

}  // namespace cairn
