// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Commands of the monitor itself.
#include <cairn/print.hpp>
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 3> command_columns{
    {{"name", Look::text, 8}, {"arguments", Look::text, 19}, {"summary"}}};
constexpr RecordKind command_kind{"command", Arrangement::lines, command_columns};
constexpr std::array<Column, 2> setting_columns{{{"name", Look::text, 8}, {"value"}}};
constexpr RecordKind setting_kind{"setting", Arrangement::lines, setting_columns};

void show_row(const Command& command, Answer& answer) {
    answer.show(command_kind, {command.name(), command.arguments(), command.summary()});
}

}  // namespace

void show_help(Session&, const CommandLine& line, Answer& answer) {
    if (line.arguments() != 0) {
        const Command* const command = find_command(line.argument(0));
        if (command == nullptr) return answer.refuse(line.argument(0), "there is no such command");
        show_row(*command, answer);
        if (!command->lesson().empty()) answer.remark(command->lesson());
        return;
    }
    for (const Command& command : monitor_commands())
        show_row(command, answer);
    answer.remark(
        "Ctrl-] changes between the monitor and the VM in front; typed twice it reaches the "
        "guest.");
    answer.remark("help COMMAND tells more; --json behind a command makes JSON of its answer.");
}

void show_console(Session& session, const CommandLine& line, Answer& answer) {
    const std::string_view name = line.argument(0);
    GuestChannel* const channel = session.vms.channel(name);
    if (channel == nullptr) return answer.refuse(name, to_string(VmTableError::no_such_vm));
    session.console.choose(channel);
    FixedBuffer<96> words;
    print(words, "console of {}: Ctrl-] comes back", name);
    answer.remark(words.view());
    (void)session.console.show_guest(session.keys);
}

void change_setting(Session& session, const CommandLine& line, Answer& answer) {
    if (line.arguments() == 0)
        return answer.show(setting_kind, {"colour", session.colour ? "on" : "off"});
    if (line.argument(0) != "colour")
        return answer.refuse(line.argument(0), "there is no such setting; there is: colour");
    const std::string_view value = line.argument(1);
    if (value != "on" && value != "off") return answer.refuse(line.argument(0), "write on or off");
    session.colour = value == "on";
}

}  // namespace cairn
