// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Commands that show the machine, and Cairn itself.
#include <algorithm>

#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/drivers/console.hpp"
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 4> hart_columns{{{"number", Look::number, 6, "hart"},
                                              {"id", Look::number, 6},
                                              {"busy_ms", Look::number, 10, "busy ms"},
                                              {"runs"}}};
constexpr RecordKind hart_kind{"hart", Arrangement::table, hart_columns};

constexpr std::array<Column, 3> frames_columns{
    {{"total", Look::size}, {"free", Look::size}, {"largest_free", Look::size, 0, "in one piece"}}};
constexpr RecordKind frames_kind{"frames", Arrangement::sheet, frames_columns};

constexpr std::array<Column, 1> line_columns{{{"text"}}};
constexpr RecordKind line_kind{"log-line", Arrangement::lines, line_columns};
constexpr std::array<Column, 1> lost_columns{{{"bytes", Look::number}}};
constexpr RecordKind lost_kind{"log-lost", Arrangement::sheet, lost_columns};

constexpr std::size_t longest_line = 256;

/// Takes the log a byte at a time and shows its lines; longer ones in pieces.
class LogLines {
  public:
    explicit LogLines(Answer& answer) : answer_(answer) {}

    void take(char byte) {
        if (byte == '\n' || size_ == longest_line) finish();
        if (byte != '\n') line_[size_++] = byte;
    }
    void finish() {
        answer_.show(line_kind, {std::string_view(line_.data(), size_)});
        size_ = 0;
    }

  private:
    Answer& answer_;
    std::array<char, longest_line> line_{};
    std::size_t size_ = 0;
};

}  // namespace

void show_harts(Session& session, const CommandLine&, Answer& answer) {
    Scheduler& scheduler = session.scheduler;
    const std::uint64_t per_ms = std::max<std::uint64_t>(session.host.timebase_hz() / 1000, 1);
    scheduler.settle(csr_read<Csr::time>());
    for (std::size_t hart = 0; hart < scheduler.harts(); ++hart) {
        const Task* const running = scheduler.running_on(hart);
        FixedBuffer<48> who;
        session.vms.visit([&](const ManagedVm& vm) {
            vm.visit_tasks([&](const Task& task) {
                if (&task == running) print(who, "{}.{}", vm.name(), task.vcpu.hart_id());
            });
        });
        std::optional<std::string_view> runs;
        if (!who.view().empty()) runs = who.view();
        answer.show(hart_kind,
                    {hart, scheduler.target(hart).hart, scheduler.busy(hart) / per_ms, runs});
    }
}

void show_frames(Session& session, const CommandLine&, Answer& answer) {
    FramePool& frames = session.host.frames();
    answer.show(frames_kind, {frames.total_bytes(), frames.free_bytes(), frames.largest_free()});
}

/// The first line may lack its beginning.
void show_log(Session&, const CommandLine&, Answer& answer) {
    std::array<char, 256> piece{};
    std::uint64_t position = 0;
    std::size_t count = console_copy_log(position, piece);
    if (const std::uint64_t lost = position - count; lost != 0) answer.show(lost_kind, {lost});
    LogLines lines(answer);
    for (; count != 0; count = console_copy_log(position, piece)) {
        for (const char byte : std::span(piece).first(count))
            lines.take(byte);
    }
}

}  // namespace cairn
