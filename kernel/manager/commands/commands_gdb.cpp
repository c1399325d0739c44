// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that gives the console to a debugger until it has done.
#include <cairn/unique_ptr.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/console/terminal.hpp"

namespace cairn {
namespace {

/// How often it is looked whether a VM has come to rest, or whether one that runs has ended.
void look_again(Session& session) {
    const std::uint64_t turn = session.scheduler.turn();
    session.wait.until = csr_read<Csr::time>() + (session.gdb->looks_soon() ? turn / 4 : 4 * turn);
}

bool serve(Session& session, Answer& answer) {
    Terminal line;
    const auto outcome = session.gdb->go_on(*session.keys, line);
    if (outcome == GdbSession::Outcome::goes_on) {
        look_again(session);
        return false;
    }
    session.gdb.reset();
    line.write("\n");  // behind the last packet
    answer.remark(outcome == GdbSession::Outcome::detached ? "gdb has detached"
                                                           : "the VM has ended");
    return true;
}

/// A vCPU that is on its way to rest gets there soon, on another hart.
void abandon(Session& session) {
    constexpr unsigned most_tries = 10'000;
    for (unsigned tries = 0; !session.gdb->leave() && tries < most_tries; ++tries) {
    }
    session.gdb.reset();
}

}  // namespace

void serve_gdb(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    if (session.keys == nullptr)
        return answer.refuse(name,
                             "gdb has no place here: use its own channel, or the serial line");
    if (const auto there = session.vms.ask_running(name); !there)
        return answer.refuse(name, to_string(there.error()));
    session.gdb = try_make_unique<GdbSession>(session.vms, name);
    if (session.gdb == nullptr) return answer.refuse(name, "the heap has no room for it");
    if (!session.gdb->claim()) {
        session.gdb.reset();
        return answer.refuse(name, "another debugger has it");
    }
    Terminal screen;
    screen.write("the line is gdb's: 'target remote' it; Ctrl-] comes back without\n");
    session.wait = {.go_on = serve, .until = 0, .takes_keys = true, .abandon = abandon};
}

}  // namespace cairn
