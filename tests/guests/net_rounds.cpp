// SPDX-License-Identifier: MIT
// A program for Linux, without a C library: two of them measure a network between them. Its first
// byte of input says what it is: `s` serves at 10.0.0.2, anything else measures, and prints
//
//     udp: 51234 ns a round of 64 bytes
//     tcp: 4123 ns a KiB
//
// Under `-icount shift=0` a nanosecond is an instruction.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cairn/print.hpp>
#include "tests/guests/linux_program.hpp"

using namespace linux_program;

namespace {

// Linux: include/linux/socket.h, include/uapi/linux/in.h; ports in network order.
constexpr int ipv4 = 2;
constexpr int stream = 1;
constexpr int datagram = 2;
constexpr int shut_sending = 1;
constexpr int monotonic = 1;
constexpr std::uint16_t udp_port = 0x581b;  // 7000
constexpr std::uint16_t tcp_port = 0x591b;  // 7001
constexpr std::uint32_t server = 0x0200'000a;

constexpr unsigned warm_up = 50;
constexpr unsigned rounds = 500;
constexpr std::size_t round_bytes = 64;
constexpr std::size_t chunk = 64 << 10;
constexpr unsigned chunks = 256;
constexpr std::int64_t kibibytes = chunks * (chunk >> 10);

struct Address {
    std::uint16_t family = ipv4;
    std::uint16_t port;
    std::uint32_t host;
    std::uint64_t unused = 0;
};

alignas(64) std::array<std::byte, chunk> buffer;

long check(long result, std::string_view what) {
    if (result >= 0) return result;
    cairn::println("{}: error {}", what, -result);
    for (;;)
        call(Syscall::exit, 1);
}

std::int64_t now() {
    TimeSpec time{};
    call(Syscall::clock_gettime, monotonic, &time);
    return time.seconds * 1'000'000'000 + time.nanoseconds;
}

long open_socket(int type, std::uint16_t port, bool serves) {
    const long socket = check(call(Syscall::socket, ipv4, type, 0), "socket");
    const Address address{.port = port, .host = serves ? 0 : server};
    check(call(serves ? Syscall::bind : Syscall::connect, socket, &address, sizeof address),
          serves ? "bind" : "connect");
    return socket;
}

long receive(long socket, std::size_t most, Address* from = nullptr) {
    std::uint32_t size = sizeof(Address);
    return check(call(Syscall::recvfrom, socket, buffer.data(), most, 0, from,
                      from == nullptr ? nullptr : &size),
                 "receive");
}

void send(long socket, std::size_t bytes, const Address* to = nullptr) {
    check(call(Syscall::sendto, socket, buffer.data(), bytes, 0, to,
               to == nullptr ? 0 : sizeof(Address)),
          "send");
}

void serve() {
    const long listening = open_socket(stream, tcp_port, true);
    check(call(Syscall::listen, listening, 1), "listen");
    const long udp = open_socket(datagram, udp_port, true);
    for (unsigned n = 0; n < warm_up + rounds; ++n) {
        Address from{.port = 0, .host = 0};
        const long bytes = receive(udp, buffer.size(), &from);
        send(udp, static_cast<std::size_t>(bytes), &from);
    }
    const long tcp = check(call(Syscall::accept, listening, 0, 0), "accept");
    while (receive(tcp, buffer.size()) != 0) {
    }
    send(tcp, 1);
}

void measure() {
    const long udp = open_socket(datagram, udp_port, false);
    std::int64_t begin = 0;
    for (unsigned n = 0; n < warm_up + rounds; ++n) {
        if (n == warm_up) begin = now();
        send(udp, round_bytes);
        receive(udp, buffer.size());
    }
    cairn::println("udp: {} ns a round of {} bytes", (now() - begin) / rounds, round_bytes);
    const long tcp = open_socket(stream, tcp_port, false);
    begin = now();
    for (unsigned n = 0; n < chunks; ++n)
        for (std::size_t sent = 0; sent < chunk;)
            sent += static_cast<std::size_t>(
                check(call(Syscall::write, tcp, buffer.data() + sent, chunk - sent), "write"));
    check(call(Syscall::shutdown, tcp, shut_sending), "shutdown");
    receive(tcp, 1);
    cairn::println("tcp: {} ns a KiB", (now() - begin) / kibibytes);
}

}  // namespace

extern "C" [[noreturn]] void _start() {
    std::array<char, 1> role{};
    call(Syscall::read, 0, role.data(), role.size());
    if (role[0] == 's') {
        serve();
    } else {
        measure();
    }
    for (;;)
        call(Syscall::exit, 0);
}
