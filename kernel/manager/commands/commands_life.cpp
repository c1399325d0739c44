// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Commands that rule VMs: they answer nothing where they could do it.
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

void say(Answer& answer, std::string_view vm, const VmTable::Result& result) {
    if (!result) answer.refuse(vm, to_string(result.error()));
}

}  // namespace

void start_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.start(line.argument(0)));
}

void stop_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.stop(line.argument(0), StopReason::unplugged));
}

void reset_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.stop(line.argument(0), StopReason::reset));
}

void pause_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.pause(line.argument(0)));
}

void resume_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.resume(line.argument(0)));
}

void create_vm(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    const std::string_view model = line.arguments() > 1 ? line.argument(1) : name;
    const auto result = session.vms.create(name, model);
    const bool is_about_model = !result && result.error() == VmTableError::no_such_template;
    say(answer, is_about_model ? model : name, result);
}

void destroy_vm(Session& session, const CommandLine& line, Answer& answer) {
    say(answer, line.argument(0), session.vms.destroy(line.argument(0)));
}

void quit(Session& session, const CommandLine&, Answer& answer) {
    answer.remark("all VMs are turned off");
    session.vms.stop_all();
}

}  // namespace cairn
