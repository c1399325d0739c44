// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/monitor_port.hpp"

#include <algorithm>

#include <cairn/print.hpp>
#include "kernel/sched/host_work.hpp"

namespace cairn {
namespace {

constexpr std::size_t most_at_once = 1024;  // bytes that one look takes
constexpr Answer::Style style{.json = true};

constexpr std::array<Column, 1> hello_columns{{{"protocol", Look::number}}};
constexpr RecordKind hello_kind{"hello", Arrangement::lines, hello_columns};

/// Where the heap has no room for the answer.
constexpr std::string_view no_room =
    "{\"kind\":\"error\",\"subject\":\"\",\"message\":\"the heap has no room for the answer\"}\n"
    "{\"kind\":\"end\",\"command\":\"\",\"ok\":false}\n";

}  // namespace

std::uint64_t MonitorPort::work(ChannelPort* port) {
    const std::uint32_t turns = port == nullptr ? 0 : port->turns();
    if (port != port_ || turns != turns_) begin(port, turns);
    if (turns % 2 == 0 || !send()) return HostWork::when_asked;
    if (runner_.is_waiting()) {
        StringWriter out(text_);
        runner_.go_on(out);
        end_step(out);
        if (runner_.is_waiting()) return send() ? runner_.due() : HostWork::when_asked;
    } else if (!take_bytes()) {
        const bool has_more = taken_ != chunk_size_ || port->has_input();
        return has_more ? HostWork::at_once : HostWork::when_asked;
    }
    return send() ? HostWork::at_once : HostWork::when_asked;
}

/// Somebody else is at the other end, or nobody.
void MonitorPort::begin(ChannelPort* port, std::uint32_t turns) {
    if (runner_.is_waiting()) {
        StringWriter out(text_);
        runner_.cancel(out);
    }
    forget();
    line_.forget();
    chunk_size_ = taken_ = 0;
    port_ = port;
    turns_ = turns;
    if (turns % 2 == 0) return;
    StringWriter out(text_);
    Answer(out, style).show(hello_kind, {protocol});
}

void MonitorPort::forget() {
    text_.clear();
    text_.shrink_to_fit();
    sent_ = 0;
    has_no_room_ = false;
}

/// False where there is more: the port says when it has room.
bool MonitorPort::send() {
    const std::string_view text = has_no_room_ ? no_room : std::string_view(text_);
    sent_ += port_->write(std::as_bytes(std::span(text.substr(sent_))));
    if (sent_ < text.size()) return false;
    forget();
    return true;
}

bool MonitorPort::take_bytes() {
    for (std::size_t count = 0; count < most_at_once; ++count) {
        if (taken_ == chunk_size_) {
            chunk_size_ = port_->read(chunk_);
            taken_ = 0;
        }
        if (chunk_size_ == 0) return false;
        if (!line_.take(static_cast<char>(chunk_[taken_++]))) continue;
        end_line();
        return true;
    }
    return false;
}

void MonitorPort::end_line() {
    StringWriter out(text_);
    if (line_.is_too_long()) {
        FixedBuffer<64> words;
        print(words, "a line has at most {} bytes", PortLine::longest);
        Answer answer(out, style);
        answer.refuse({}, words.view());
        answer.finish({});
    } else {
        runner_.execute(line_.text(), true, out);
    }
    end_step(out);
}

/// An answer that is not whole is none.
void MonitorPort::end_step(StringWriter<allocator<char>>& out) {
    if (out.result()) return;
    if (runner_.is_waiting()) runner_.cancel(out);
    forget();
    has_no_room_ = true;
}

}  // namespace cairn
