// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/monitor.hpp"

#include <algorithm>

#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include "kernel/bundle/nearest_word.hpp"
#include "kernel/manager/console/terminal.hpp"

namespace cairn {
namespace {

constexpr std::byte end_of_text{3};  // Ctrl-C

constexpr std::array<std::string_view, 3> trace_actions{"on", "off", "dump"};
constexpr std::array<std::string_view, 1> heap_actions{"map"};
constexpr std::size_t most_commands = 32;
using CommandNames = static_vector<std::string_view, most_commands>;

CommandNames command_names() {
    CommandNames names;
    for (const Command& command : monitor_commands())
        (void)names.try_push_back(command.name);
    return names;
}

void refuse_unknown(std::string_view name, Answer& answer) {
    const auto nearest = nearest_word(name, command_names());
    FixedBuffer<160> words;
    print(words, "{} is not a command; ", Quoted{name});
    if (nearest) {
        print(words, "did you mean {}?", Quoted{*nearest});
    } else {
        print(words, "'help' lists them");
    }
    answer.refuse({}, words.view());
}

}  // namespace

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
    Terminal terminal;
    if (greets_.exchange(false)) {
        print(terminal, "\nmonitor: Ctrl-] goes back to the guest, 'help' lists the commands\n");
        editor_.show(terminal);
    }
    if (command_ != nullptr) go_on();
    take_keys();
    const bool is_through = bring_guest_to_front();
    const std::uint64_t until = command_ != nullptr ? session_.wait.until : when_asked;
    due_.store(is_through ? until : at_once, std::memory_order_relaxed);
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
    if (was_full) session_.console.read_on();
    return key;
}

void Monitor::lose_keys(bool may) {
    bool was_full = false;
    {
        const SpinGuard guard(keys_lock_);
        loses_none_ = !may;
        was_full = std::exchange(was_full_, false);
    }
    if (was_full) session_.console.read_on();
}

/// As long as no command waits: what is typed meanwhile is for later.
void Monitor::take_keys() {
    while (command_ == nullptr) {
        const auto key = take_key();
        if (!key) return;
        type(*key);
    }
}

/// Piece by piece, the last of which puts it in front; false where the next can come at once.
bool Monitor::bring_guest_to_front() {
    GuestChannel* const guest = session_.console.chosen();
    if (guest == nullptr || guest->is_in_front() || session_.console.shows_monitor()) return true;
    if (const std::uint64_t lost = guest->take_lost(); lost != 0)
        println("monitor: {} bytes of its output are lost", lost);
    return guest->come_to_front() != GuestChannel::Shown::part;
}

void Monitor::type(std::byte byte) {
    Terminal terminal;
    if (pager_.is_waiting()) {
        pager_.take(byte, terminal);
        if (!pager_.is_waiting() && session_.console.shows_monitor()) editor_.show(terminal);
        return;
    }
    if (const auto line = editor_.take(byte, terminal)) execute(*line);
}

void Monitor::execute(std::string_view text) {
    const CommandLine line = parse_command_line(text);
    style_ = {.json = line.json, .colour = session_.colour};
    StringWriter out(pager_.text());
    Answer answer(out, style_);
    if (line.words.empty()) return show_answer();
    const Command* const command = find_command(line.command());
    if (command == nullptr) {
        refuse_unknown(line.command(), answer);
        answer.finish(line.command());
        return show_answer();
    }
    begin(*command, line);
}

void Monitor::begin(const Command& command, const CommandLine& line) {
    StringWriter out(pager_.text());
    Answer answer(out, style_);
    command_ = &command;
    has_left_.store(false);  // before the look: who types Ctrl-] behind that says so anew
    if (!session_.console.shows_monitor()) has_left_.store(true);
    session_.wait = {};
    session_.keys = this;
    if (line.too_long || !takes_arguments(command.arguments, line.arguments())) {
        FixedBuffer<96> usage;
        print(usage, "write: {} {}", command.name, command.arguments);
        answer.refuse({}, usage.view());
    } else {
        command.run(session_, line, answer);
    }
    if (session_.wait.go_on == nullptr) return finish(answer);
    lose_keys(!session_.wait.takes_keys);
}

void Monitor::go_on() {
    if (has_left_.load(std::memory_order_relaxed)) return cancel();  // and may be back by now
    if (!session_.wait.takes_keys && take_cancel()) return cancel();
    StringWriter out(pager_.text());
    Answer answer(out, style_);
    if (session_.wait.go_on(session_, answer)) return finish(answer);
    if (!style_.json) return;
    Terminal terminal;  // a program's answer may be long
    pager_.show(terminal, true);
}

void Monitor::finish(Answer& answer) {
    answer.finish(command_->name);
    session_.wait = {};
    lose_keys(true);
    command_ = nullptr;
    show_answer();
}

bool Monitor::take_cancel() {
    const SpinGuard guard(keys_lock_);
    if (keys_.empty() || keys_.front() != end_of_text) return false;
    keys_.pop_front();
    return true;
}

/// Nobody waits for its answer any more.
void Monitor::cancel() {
    session_.scheduler.stop_observing();
    session_.top.forget();
    if (session_.wait.abandon != nullptr) session_.wait.abandon(session_);
    StringWriter out(pager_.text());
    Answer answer(out, style_);
    answer.refuse(command_->name, "cancelled");
    finish(answer);
}

/// A program's answer comes at once.
void Monitor::show_answer() {
    Terminal terminal;
    pager_.show(terminal, style_.json);
    if (!pager_.is_waiting() && session_.console.shows_monitor()) editor_.show(terminal);
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
            command == nullptr ? "" : argument_kind(command->arguments, index - 1);
        if (kind != "COMMAND") candidates = {};
        if (kind.starts_with("VM") || kind == "TEMPLATE") candidates = session_.vms.names();
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
