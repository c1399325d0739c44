// SPDX-License-Identifier: MIT
// A debugger at a VM by a port of the machine's that is for nothing else: whoever opens the port
// has the VM, from the first byte that comes, and leaves it by closing the port.
//
//     port ──► bytes ──► GdbSession ──► packets ──► port
//
// Its owner has the monitor's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <cairn/string.hpp>
#include "kernel/manager/console/channel_port.hpp"
#include "kernel/manager/gdb/gdb_session.hpp"

namespace cairn {

class GdbPort final : private KeySource {
  public:
    explicit GdbPort(ChannelPort& port) : port_(&port) {}

    /// A piece of what has come for VM `vm`. Looks again after `turn`, of `time`, if nothing comes:
    /// as HostWork::due.
    [[nodiscard]] std::uint64_t work(VmTable& vms, std::string_view vm, std::uint64_t turn);

    /// The VM goes on, and whoever has the port begins again. False where it cannot yet.
    [[nodiscard]] bool leave();

  private:
    [[nodiscard]] std::optional<std::byte> take_key() override;
    void begin(VmTable& vms, std::string_view vm);
    [[nodiscard]] bool send();

    static constexpr std::size_t most_at_once = 512;

    ChannelPort* port_;
    std::unique_ptr<GdbSession> session_;
    std::uint32_t turns_ = 0;
    bool is_leaving_ = false;
    std::size_t taken_ = 0;  ///< bytes, at this look
    string out_;             ///< what the port has had no room for
    std::size_t sent_ = 0;   ///< of it
};

}  // namespace cairn
