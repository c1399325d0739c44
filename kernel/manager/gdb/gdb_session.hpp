// SPDX-License-Identifier: MIT
// A debugger at a VM: from its arrival, which pauses the VM, until it detaches or the VM ends.
//
//     arriving ── all vCPUs lie in no hart ──► halted ── c ──► running
//                                                ▲               │ Ctrl-C
//                                                └── at rest ── stopping
//
// Bytes of gdb's go to PacketReader, packets to GdbServer with a VmTarget, replies out as one
// write each, so no line of the log is in one. The VM may end, be reset or be loaded anew between
// any two packets: it is found by its name each time, under the VM table's lock. What is kept is
// the session's alone; it is the monitor's, while its command waits (commands_gdb.cpp).
#pragma once

#include <cairn/static_vector.hpp>
#include "kernel/manager/console/console_multiplexer.hpp"
#include "kernel/manager/gdb/gdb_server.hpp"
#include "kernel/manager/gdb/packet.hpp"
#include "kernel/manager/gdb/vm_target.hpp"
#include "kernel/manager/vm_table.hpp"

namespace cairn {

class GdbSession {
  public:
    /// For the VM `name`; all outlive it.
    GdbSession(VmTable& vms, std::string_view name);
    GdbSession(const GdbSession&) = delete;
    GdbSession& operator=(const GdbSession&) = delete;

    /// Before anything else. False where the VM does not run, or another debugger has it.
    [[nodiscard]] bool claim();
    enum class Outcome : std::uint8_t { goes_on, detached, vm_ended };
    /// Does what has come, and looks whether the VM has come to rest.
    [[nodiscard]] Outcome go_on(KeySource& keys, Writer& line);
    /// Whether there is something to look at though nothing comes: soon, or in a while.
    [[nodiscard]] bool awaits_rest() const {
        return phase_ == Phase::arriving || phase_ == Phase::stopping;
    }
    [[nodiscard]] bool looks_soon() const {
        return leaves_ || awaits_rest() || phase_ == Phase::running;
    }
    /// It debugs the VM no more, which goes on as it was before. False where it is still on its way
    /// to rest: then again.
    [[nodiscard]] bool leave();

  private:
    enum class Phase : std::uint8_t { arriving, halted, running, stopping };

    [[nodiscard]] bool look(Writer& line);
    void look_at(ManagedVm& vm);
    /// False once gdb has left.
    [[nodiscard]] bool take(std::byte byte, Writer& line);
    [[nodiscard]] bool take_packet(Writer& line);
    [[nodiscard]] bool go_on_running(ManagedVm& vm);
    void send(Writer& line);
    [[nodiscard]] std::string_view name() const { return {name_.data(), name_.size()}; }

    VmTable& vms_;
    static_vector<char, longest_vm_name> name_;
    Phase phase_ = Phase::arriving;
    bool was_paused_ = false;  ///< when gdb came
    bool has_paused_ = false;  ///< the session has
    bool leaves_ = false;      ///< gdb has detached
    PacketReader reader_;
    GdbServer server_;
    DebugState debug_;
    FixedBuffer<GdbServer::most_reply> reply_;
};

}  // namespace cairn
