// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/command_runner.hpp"

#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include "kernel/bundle/nearest_word.hpp"

namespace cairn {
namespace {

void refuse_unknown(std::string_view name, Answer& answer) {
    static_vector<std::string_view, most_commands> names;
    for (const Command& command : monitor_commands())
        (void)names.try_push_back(command.name());
    const auto nearest = nearest_word(name, names);
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

void CommandRunner::execute(std::string_view text, bool json, Writer& out) {
    CommandLine line = parse_command_line(text);
    line.json = line.json || json;
    style_ = {.json = line.json, .colour = session_.colour};
    if (line.words.empty()) return;
    Answer answer(out, style_);
    const Command* const command = find_command(line.command());
    if (command != nullptr) return begin(*command, line, answer);
    refuse_unknown(line.command(), answer);
    answer.finish(line.command());
}

void CommandRunner::begin(const Command& command, const CommandLine& line, Answer& answer) {
    command_ = &command;
    session_.wait = {};
    if (line.too_long || !takes_arguments(command.arguments(), line.arguments())) {
        FixedBuffer<96> usage;
        const std::string_view arguments = command.arguments();
        print(usage, "write: {}{}{}", command.name(), arguments.empty() ? "" : " ", arguments);
        answer.refuse({}, usage.view());
    } else {
        command.run(session_, line, answer);
    }
    if (session_.wait.go_on == nullptr) finish(answer);
}

void CommandRunner::go_on(Writer& out) {
    Answer answer(out, style_);
    if (session_.wait.go_on(session_, answer)) finish(answer);
}

void CommandRunner::cancel(Writer& out) {
    session_.scheduler.stop_observing(session_.sample);
    session_.top.forget();
    if (session_.wait.abandon != nullptr) session_.wait.abandon(session_);
    Answer answer(out, style_);
    answer.refuse(command_->name(), "cancelled");
    finish(answer);
}

void CommandRunner::finish(Answer& answer) {
    answer.finish(command_->name());
    session_.wait = {};
    command_ = nullptr;
}

}  // namespace cairn
