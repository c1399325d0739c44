// SPDX-License-Identifier: MIT
// A program for Linux, without a C library: reads and writes a disk past the page cache, in turns
// of so many requests at once, as many times as its input says: `/dev/vda 500`. `disk_mark` is
// called before and behind each figure, whose name is printed before it:
//
//     read 4 KiB, 1 at once
//
// A plugin of QEMU's that counts between two calls of it has the figure (tools/measure_disks.py).
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/print.hpp>
#include "tests/guests/linux_program.hpp"

using namespace linux_program;

/// Where the plugin looks.
extern "C" [[gnu::noinline]] void disk_mark() {
    asm volatile("");
}

namespace {

// Linux: include/uapi/asm-generic/fcntl.h, include/uapi/linux/aio_abi.h.
constexpr long at_working_directory = -100;
constexpr long read_write = 2;
constexpr long direct = 0x4000;
constexpr std::uint16_t aio_read = 0;
constexpr std::uint16_t aio_write = 1;

constexpr std::size_t most_at_once = 16;
constexpr std::uint64_t most_bytes = 64 << 10;
constexpr std::uint64_t disk_bytes = 16 << 20;
constexpr unsigned warm_up = 64;

/// struct iocb.
struct Request {
    std::uint64_t data = 0;
    std::uint32_t key = 0;
    std::int32_t flags = 0;
    std::uint16_t operation = 0;
    std::int16_t priority = 0;
    std::uint32_t file = 0;
    std::uint64_t buffer = 0;
    std::uint64_t bytes = 0;
    std::int64_t offset = 0;
    std::uint64_t reserved = 0;
    std::uint32_t more_flags = 0;
    std::uint32_t event_file = 0;
};
static_assert(sizeof(Request) == 64);

/// struct io_event.
struct Completion {
    std::uint64_t data;
    std::uint64_t request;
    std::int64_t result;
    std::int64_t result2;
};

struct Figure {
    std::string_view name;
    std::uint16_t operation;
    std::uint64_t bytes;
    unsigned at_once;
};
constexpr std::array figures{
    Figure{"read 4 KiB, 1 at once", aio_read, 4 << 10, 1},
    Figure{"read 4 KiB, 16 at once", aio_read, 4 << 10, 16},
    Figure{"write 4 KiB, 1 at once", aio_write, 4 << 10, 1},
    Figure{"write 4 KiB, 16 at once", aio_write, 4 << 10, 16},
    Figure{"read 64 KiB, 1 at once", aio_read, 64 << 10, 1},
    Figure{"read 64 KiB, 16 at once", aio_read, 64 << 10, 16},
    Figure{"write 64 KiB, 1 at once", aio_write, 64 << 10, 1},
    Figure{"write 64 KiB, 16 at once", aio_write, 64 << 10, 16},
};

alignas(4096) std::array<std::byte, most_at_once * most_bytes> buffer;
std::array<Request, most_at_once> requests;

long check(long result, std::string_view what) {
    if (result >= 0) return result;
    cairn::println("{}: error {}", what, -result);
    for (;;)
        call(Syscall::exit, 1);
}

/// So many requests, one behind the other on the disk, and from its start again.
class Rounds {
  public:
    Rounds(long file, std::uint64_t context, const Figure& figure)
        : file_(file), context_(context), figure_(figure) {}

    void run(unsigned count) {
        for (; count >= figure_.at_once; count -= figure_.at_once)
            figure_.at_once == 1 ? one() : several();
    }

  private:
    std::int64_t next_offset() {
        const std::uint64_t offset = next_;
        next_ = (next_ + figure_.bytes) % disk_bytes;
        return static_cast<std::int64_t>(offset);
    }
    void one() {
        const auto call_number =
            figure_.operation == aio_read ? Syscall::pread64 : Syscall::pwrite64;
        check(call(call_number, file_, buffer.data(), figure_.bytes, next_offset()), "transfer");
    }
    void several() {
        std::array<Request*, most_at_once> list{};
        for (std::size_t n = 0; n < most_at_once; ++n) {
            requests[n] = {.operation = figure_.operation,
                           .file = static_cast<std::uint32_t>(file_),
                           .buffer = reinterpret_cast<std::uintptr_t>(&buffer[n * figure_.bytes]),
                           .bytes = figure_.bytes,
                           .offset = next_offset()};
            list[n] = &requests[n];
        }
        check(call(Syscall::io_submit, context_, most_at_once, list.data()), "io_submit");
        std::array<Completion, most_at_once> done{};
        check(call(Syscall::io_getevents, context_, most_at_once, most_at_once, done.data(), 0),
              "io_getevents");
        for (const Completion& each : done)
            check(each.result, "request");
    }

    long file_;
    std::uint64_t context_;
    const Figure& figure_;
    std::uint64_t next_ = 0;
};

}  // namespace

extern "C" [[noreturn]] void _start() {
    std::array<char, 64> input{};
    const auto size =
        static_cast<std::size_t>(call(Syscall::read, 0, input.data(), input.size() - 1));
    char* const end = input.data() + size;
    char* const space = std::find(input.data(), end, ' ');
    unsigned count = 0;
    std::from_chars(std::min(space + 1, end), end, count);
    *space = '\0';
    const long file = check(
        call(Syscall::openat, at_working_directory, input.data(), read_write | direct, 0), "open");
    std::uint64_t context = 0;
    check(call(Syscall::io_setup, most_at_once, &context), "io_setup");
    for (const Figure& figure : figures) {
        Rounds rounds(file, context, figure);
        rounds.run(warm_up);
        cairn::println("{}", figure.name);
        disk_mark();
        rounds.run(count);
        disk_mark();
    }
    for (;;)
        call(Syscall::exit, 0);
}
