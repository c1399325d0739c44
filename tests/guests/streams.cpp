// SPDX-License-Identifier: MIT
// A program for Linux, without a C library: streams between a guest and its disk, past the page
// cache and a MiB at a time, or the host behind QEMU's user network. Each line of its input is one,
// of so many MiB, and a port of the host's:
//
//     read 256        write 256        out 64 7001        in 64 7002
//
// It says `begin`, and `end` once all of it is through: of what goes out, once the host has closed
// the connection. Whoever reads that measures (tools/measure_throughput.py).
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/print.hpp>
#include "tests/guests/linux_program.hpp"

using namespace linux_program;

namespace {

// Linux: include/uapi/asm-generic/fcntl.h, include/linux/socket.h.
constexpr long at_working_directory = -100;
constexpr long read_write = 2;
constexpr long direct = 0x4000;
constexpr int ipv4 = 2;
constexpr int stream = 1;
constexpr int shut_sending = 1;
constexpr std::uint32_t host = 0x0202'000a;  // 10.0.2.2, in network order

constexpr std::size_t block = 1 << 20;
constexpr std::size_t chunk = 64 << 10;

struct Address {
    std::uint16_t family = ipv4;
    std::uint16_t port;
    std::uint32_t host;
    std::uint64_t unused = 0;
};

struct Request {
    std::string_view what;
    long blocks = 0;
    std::uint16_t port = 0;
};

alignas(4096) std::array<std::byte, block> buffer;

long check(long result, std::string_view what) {
    if (result >= 0) return result;
    cairn::println("{}: error {}", what, -result);
    for (;;)
        call(Syscall::exit, 1);
}

void move_disk(const Request& request) {
    const bool reads = request.what == "read";
    const Syscall moves = reads ? Syscall::pread64 : Syscall::pwrite64;
    static const long disk =
        check(call(Syscall::openat, at_working_directory, "/dev/vda", read_write | direct), "open");
    cairn::println("begin");
    for (long n = 0; n < request.blocks; ++n)
        check(call(moves, disk, buffer.data(), block, n * long{block}), request.what);
}

void move_over_network(const Request& request) {
    const bool sends = request.what == "out";
    const long socket = check(call(Syscall::socket, ipv4, stream, 0), "socket");
    const Address address{.port = __builtin_bswap16(request.port), .host = host};
    check(call(Syscall::connect, socket, &address, sizeof address), "connect");
    cairn::println("begin");
    for (long left = request.blocks * long{block}; left > 0;) {
        const long part = check(
            call(sends ? Syscall::write : Syscall::read, socket, buffer.data(), chunk), "stream");
        if (part == 0) break;
        left -= part;
    }
    if (sends) {
        check(call(Syscall::shutdown, socket, shut_sending), "shutdown");
        check(call(Syscall::read, socket, buffer.data(), 1), "the end");
    }
    call(Syscall::close, socket);
}

/// The next word of `line`, which is left behind it.
std::string_view next_word(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    if (!line.empty()) line.remove_prefix(1);
    return word;
}

template <class Number>
Number next_number(std::string_view& line) {
    const std::string_view word = next_word(line);
    Number number{};
    std::from_chars(word.data(), word.data() + word.size(), number);
    return number;
}

/// A terminal's lines come whole.
std::string_view read_line(std::array<char, 64>& room) {
    const long count = check(call(Syscall::read, 0, room.data(), room.size()), "input");
    std::string_view line(room.data(), static_cast<std::size_t>(count));
    return line.substr(0, line.find('\n'));
}

}  // namespace

extern "C" [[noreturn]] void _start() {
    cairn::println("ready");
    for (std::array<char, 64> room;;) {
        std::string_view line = read_line(room);
        Request request{.what = next_word(line)};
        request.blocks = next_number<long>(line);
        request.port = next_number<std::uint16_t>(line);
        if (request.what.empty()) break;
        if (request.port == 0) {
            move_disk(request);
        } else {
            move_over_network(request);
        }
        cairn::println("end");
    }
    for (;;)
        call(Syscall::exit, 0);
}
