// SPDX-License-Identifier: MIT
// What the environment may ask for when a process exits: the heap's figures, its map, a check.
//
//     CAIRN_MALLOC_STATS=1            one line to stderr; =/some/file: at the end of that file
//     CAIRN_MALLOC_MAP=/some/file     the map (docs/heap-map.md), in /some/file.PID
//     CAIRN_MALLOC_CHECK=1            a walk over the whole heap; damage ends the process with a
//                                     sentence. Not while other threads still run.
//
// Processes that end by _exit, a signal or exec say nothing.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "cairn/malloc/process_heap.hpp"
#include "cairn/panic.hpp"
#include "cairn/print.hpp"

namespace cairn::process_heap {
namespace {

/// Heard at the start: at exit the environment may be gone, and stderr closed.
struct Wishes {
    int statistics = -1;
    std::array<char, 512> map{};  ///< a path; empty: none
    bool check = false;
};
constinit Wishes wishes;

/// To a file, in large pieces. What cannot be written is lost.
class FileWriter final : public Writer {
  public:
    explicit FileWriter(int file) : file_(file) {}

    void write(std::string_view text) override {
        if (buffer_.view().size() + text.size() > size) flush();
        buffer_.write(text);
    }
    void flush() {
        [[maybe_unused]] const auto written =
            ::write(file_, buffer_.view().data(), buffer_.view().size());
        buffer_.clear();
    }

  private:
    static constexpr std::size_t size = 4096;
    int file_;
    FixedBuffer<size> buffer_;
};

/// A variable of the environment; empty where it is not set, or not to be trusted.
std::string_view variable(const char* name) {
    const char* const value = ::secure_getenv(name);
    return value == nullptr ? std::string_view() : value;
}

void write_map() {
    FixedBuffer<600> path;
    print(path, "{}.{}", std::string_view(wishes.map.data()), ::getpid());
    path.write({"\0", 1});
    if (path.truncated()) return;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): it ends with a zero byte
    const char* const name = path.view().data();
    const int file = ::open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) return;
    FileWriter writer(file);
    core.dump(writer);
    writer.flush();
    ::close(file);
}

[[gnu::constructor]] void hear_wishes() {
    wishes.check = !variable("CAIRN_MALLOC_CHECK").empty();
    const std::string_view map = variable("CAIRN_MALLOC_MAP");
    if (map.size() < wishes.map.size()) std::ranges::copy(map, wishes.map.begin());
    const std::string_view target = variable("CAIRN_MALLOC_STATS");
    if (target.contains('/')) {
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): a whole string of getenv's
        wishes.statistics = ::open(target.data(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    } else if (!target.empty()) {
        wishes.statistics = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    }
}

[[gnu::destructor]] void fulfil_wishes() {
    if (wishes.check) require(core.check(), "malloc: the heap is damaged");
    if (wishes.map[0] != '\0') write_map();
    if (wishes.statistics < 0) return;
    FileWriter line(wishes.statistics);
    println(line, "cairn malloc: {}[{}]: {}", std::string_view(program_invocation_short_name),
            ::getpid(), core.statistics());
    line.flush();
}

}  // namespace
}  // namespace cairn::process_heap
