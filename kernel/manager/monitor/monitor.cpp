// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/monitor.hpp"

#include <algorithm>

#include <cairn/print.hpp>
#include "kernel/manager/console/terminal.hpp"

namespace cairn {
namespace {

constexpr std::byte end_of_text{3};  // Ctrl-C

constexpr std::array<std::string_view, 3> trace_actions{"on", "off", "dump"};
constexpr std::array<std::string_view, 1> heap_actions{"map"};
using CommandNames = static_vector<std::string_view, most_commands>;

CommandNames command_names() {
    CommandNames names;
    for (const Command& command : monitor_commands())
        (void)names.try_push_back(command.name());
    return names;
}

}  // namespace

/// Those that are there already have their VMs before guests run.
bool Monitor::take_ports() {
    if (!ports_.start(runner_.session().vms, wanted_)) return false;
    ports_.work();
    return true;
}

void Monitor::typed(std::byte byte) {
    const SpinGuard guard(keys_lock_);
    (void)keys_.try_push_back(byte);  // who types faster than 256 keys a command loses some
    want();
}

void Monitor::shown(bool shown) {
    greets_.store(shown, std::memory_order_relaxed);
    if (!shown) has_left_.store(true, std::memory_order_relaxed);
    want();
}

/// Who wants something while another hart is at it leaves it wanted, for whoever looks next.
bool Monitor::run() {
    if (!work_lock_.try_lock()) return false;
    wanted_.store(false, std::memory_order_seq_cst);
    work();
    work_lock_.unlock();
    return true;
}

void Monitor::work() {
    std::uint64_t due = work_for_console();
    ports_.work();
    const std::uint64_t due_for_port = port_.work(ports_.monitor());
    if (due_for_port == at_once) ports_.look_again();  // a command may have made a VM
    due = std::min({due, due_for_port, ports_.debug(runner_.session().scheduler.turn())});
    due_.store(due, std::memory_order_relaxed);
}

/// When it wants more of it.
std::uint64_t Monitor::work_for_console() {
    Terminal terminal;
    if (greets_.exchange(false)) {
        print(terminal, "\nmonitor: Ctrl-] goes back to the guest, 'help' lists the commands\n");
        editor_.show(terminal);
    }
    if (runner_.is_waiting()) go_on();
    take_keys();
    if (!bring_guest_to_front()) return at_once;
    return runner_.is_waiting() ? runner_.due() : when_asked;
}

/// A program types faster than a person, and no command takes its keys for long.
bool Monitor::has_room() {
    const SpinGuard guard(keys_lock_);
    was_full_ = loses_none_ && keys_.full();
    return !was_full_;
}

std::optional<std::byte> Monitor::take_key() {
    std::optional<std::byte> key;
    bool was_full = false;
    {
        const SpinGuard guard(keys_lock_);
        key = keys_.try_pop_front();
        was_full = std::exchange(was_full_, false);
    }
    if (was_full) runner_.session().console.read_on();
    return key;
}

void Monitor::lose_keys(bool may) {
    bool was_full = false;
    {
        const SpinGuard guard(keys_lock_);
        loses_none_ = !may;
        was_full = std::exchange(was_full_, false);
    }
    if (was_full) runner_.session().console.read_on();
}

/// As long as no command waits: what is typed meanwhile is for later.
void Monitor::take_keys() {
    while (!runner_.is_waiting()) {
        const auto key = take_key();
        if (!key) return;
        type(*key);
    }
}

/// Piece by piece, the last of which puts it in front; false where the next can come at once.
bool Monitor::bring_guest_to_front() {
    GuestChannel* const guest = runner_.session().console.chosen();
    if (guest == nullptr || guest->is_in_front() || runner_.session().console.shows_monitor())
        return true;
    if (const std::uint64_t lost = guest->take_lost(); lost != 0)
        println("monitor: {} bytes of its output are lost", lost);
    return guest->come_to_front() != GuestChannel::Shown::part;
}

void Monitor::type(std::byte byte) {
    Terminal terminal;
    if (pager_.is_waiting()) {
        pager_.take(byte, terminal);
        if (!pager_.is_waiting() && runner_.session().console.shows_monitor())
            editor_.show(terminal);
        return;
    }
    if (const auto line = editor_.take(byte, terminal)) execute(*line);
}

void Monitor::execute(std::string_view line) {
    Session& session = runner_.session();
    has_left_.store(false);  // before the look: who types Ctrl-] behind that says so anew
    if (!session.console.shows_monitor()) has_left_.store(true);
    session.keys = this;
    StringWriter out(pager_.text());
    runner_.execute(line, false, out);
    end_step();
}

void Monitor::go_on() {
    StringWriter out(pager_.text());
    const bool takes_keys = runner_.session().wait.takes_keys;
    const bool has_left = has_left_.load(std::memory_order_relaxed);  // and may be back by now
    if (has_left || (!takes_keys && take_cancel())) {
        runner_.cancel(out);
    } else {
        runner_.go_on(out);
    }
    end_step();
}

/// Of a command that waits, a program's answer may be long.
void Monitor::end_step() {
    ports_.look_again();  // a command may have made a VM
    lose_keys(!runner_.is_waiting() || !runner_.session().wait.takes_keys);
    if (!runner_.is_waiting()) return show_answer();
    if (!runner_.style().json) return;
    Terminal terminal;
    pager_.show(terminal, true);
}

bool Monitor::take_cancel() {
    const SpinGuard guard(keys_lock_);
    if (keys_.empty() || keys_.front() != end_of_text) return false;
    keys_.pop_front();
    return true;
}

/// A program's answer comes at once.
void Monitor::show_answer() {
    Terminal terminal;
    pager_.show(terminal, runner_.style().json);
    if (!pager_.is_waiting() && runner_.session().console.shows_monitor()) editor_.show(terminal);
}

std::string_view Monitor::complete(std::string_view line, Writer& choices) {
    const CommandLine words = parse_command_line(line);
    const bool is_new_word = line.empty() || line.ends_with(' ');
    const std::size_t index = words.words.size() - (is_new_word || words.words.empty() ? 0 : 1);
    const std::string_view start = is_new_word || words.words.empty() ? "" : words.words.back();
    const CommandNames commands = command_names();
    std::span<const std::string_view> candidates = commands;
    const Command* const command = find_command(words.command());
    if (index != 0) {
        const std::string_view kind =
            command == nullptr ? "" : argument_kind(command->arguments(), index - 1);
        if (kind != "COMMAND") candidates = {};
        if (kind.starts_with("VM") || kind == "TEMPLATE")
            candidates = runner_.session().vms.names();
        if (kind == "ACTION") candidates = trace_actions;
        if (kind == "map") candidates = heap_actions;
    }
    const Completion found = complete_word(candidates, start);
    if (found.count < 2) return found.rest;
    for (const std::string_view word : candidates) {
        if (word.starts_with(start)) print(choices, "{} ", word);
    }
    return found.rest;
}

}  // namespace cairn
