// SPDX-License-Identifier: MIT
#include "kernel/dev/net/offloads.hpp"

#include <vector>

#include <cairn/big_endian.hpp>
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

using Bytes = std::vector<std::byte>;

/// Word by word, as RFC 1071 says it.
std::uint16_t plain_sum(std::span<const std::byte> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n)
        sum += std::to_integer<std::uint32_t>(bytes[n]) << (n % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

Bytes join(const NetFrame& frame) {
    Bytes all;
    for (const auto piece : frame.pieces)
        all.insert(all.end(), piece.begin(), piece.end());
    return all;
}

constexpr std::size_t ip = 14;

/// A TCP frame over IPv4 (or IPv6) with `data` bytes, as a guest gives it away to be cut.
struct Sample {
    explicit Sample(std::size_t data, bool six = false, std::size_t tcp_options = 12)
        : tcp(ip + (six ? 40 : 20)), headers(tcp + 20 + tcp_options), bytes(headers + data) {
        for (std::size_t n = 0; n < bytes.size(); ++n)
            bytes[n] = static_cast<std::byte>(n * 7 + n / 256);
        store_be<std::uint16_t>(bytes, 12, six ? 0x86dd : 0x0800);
        const std::size_t behind = bytes.size() - ip;
        if (six) {
            store_be<std::uint16_t>(bytes, ip + 4, static_cast<std::uint16_t>(behind - 40));
        } else {
            bytes[ip] = std::byte{0x45};
            store_be<std::uint16_t>(bytes, ip + 2, static_cast<std::uint16_t>(behind));
            store_be<std::uint16_t>(bytes, ip + 4, 0xffff);
        }
        store_be<std::uint32_t>(bytes, tcp + 4, 0xffff'fff0);
        bytes[tcp + 12] = static_cast<std::byte>((20 + tcp_options) / 4 << 4);
        bytes[tcp + 13] = std::byte{0x99};  // CWR, ACK, PSH, FIN
        store_be<std::uint16_t>(bytes, tcp + 16, pseudo_sum(bytes.size() - tcp));
        frame.header = {.flags = virtio_net::needs_csum,
                        .gso_type = six ? virtio_net::segments::tcpv6 : virtio_net::segments::tcpv4,
                        .hdr_len = 0,
                        .gso_size = 1000,
                        .csum_start = static_cast<std::uint16_t>(tcp),
                        .csum_offset = 16,
                        .num_buffers = 0};
        frame.size = bytes.size();
    }
    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;

    /// Addresses, protocol and length.
    [[nodiscard]] std::uint16_t pseudo_sum(std::size_t length) const {
        const bool six = tcp == ip + 40;
        Bytes pseudo(bytes.begin() + ip + (six ? 8 : 12), bytes.begin() + ip + (six ? 40 : 20));
        pseudo.insert(pseudo.end(), {std::byte{0}, std::byte{6}});
        pseudo.resize(pseudo.size() + 2);
        store_be<std::uint16_t>(pseudo, pseudo.size() - 2, static_cast<std::uint16_t>(length));
        return plain_sum(pseudo);
    }
    /// In pieces of the given size.
    const NetFrame& cut_up(std::size_t size) {
        pieces.clear();
        for (std::size_t at = 0; at < bytes.size(); at += at == 0 ? ip : size)
            pieces.push_back(
                std::span(bytes).subspan(at, std::min(at == 0 ? ip : size, bytes.size() - at)));
        frame.pieces = pieces;
        return frame;
    }
    [[nodiscard]] bool has_right_sum(const Bytes& segment) const {
        const auto whole = std::span(segment).subspan(tcp);
        return plain_sum(whole) + pseudo_sum(whole.size()) == 0xffff ||
               (plain_sum(whole) + pseudo_sum(whole.size())) % 0xffff == 0;
    }

    std::size_t tcp;
    std::size_t headers;
    Bytes bytes;
    std::vector<std::span<const std::byte>> pieces;
    NetFrame frame;
};

}  // namespace

TEST_CASE("a sum is the same however its bytes are cut", "[offloads]") {
    Bytes bytes(100);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        bytes[n] = static_cast<std::byte>(n * 91 + 17);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto part = std::span(bytes).first(size);
        for (std::size_t cut = 0; cut <= size; ++cut) {
            InternetSum sum;
            sum.add(part.first(cut));
            sum.add(part.subspan(cut));
            REQUIRE(sum.value() == plain_sum(part));
        }
    }
    InternetSum sum;
    sum.add(0xfffe);
    sum.add(0x0003);
    CHECK(sum.value() == 2);
}

TEST_CASE("a frame gets its check sum, and is otherwise as it was", "[offloads]") {
    for (const std::size_t data : {0u, 1u, 500u, 1001u}) {
        for (const std::size_t piece : {3u, 64u, 5000u}) {
            if ((data + 52) / piece > 120) continue;
            Sample sample(data);
            sample.frame.header.gso_type = virtio_net::segments::none;
            ReworkedFrame done;
            REQUIRE(done.complete(sample.cut_up(piece)));
            Bytes result = join(done.frame());
            CHECK(done.frame().size == sample.bytes.size());
            CHECK(done.frame().header.flags == 0);
            CHECK(sample.has_right_sum(result));
            result[sample.tcp + 16] = sample.bytes[sample.tcp + 16];
            result[sample.tcp + 17] = sample.bytes[sample.tcp + 17];
            CHECK(result == sample.bytes);
        }
    }
}

TEST_CASE("a check sum far into a frame is not to be had", "[offloads]") {
    Sample sample(2000);
    sample.frame.header.csum_start = 300;
    ReworkedFrame done;
    CHECK(!done.complete(sample.cut_up(5000)));
}

TEST_CASE("a frame is cut into segments that are right each", "[offloads]") {
    for (const bool six : {false, true}) {
        for (const std::size_t data : {1u, 999u, 1000u, 1001u, 5678u}) {
            Sample sample(data, six);
            auto cut = TcpSegments::of(sample.cut_up(700));
            REQUIRE(cut);
            Bytes collected;
            std::size_t count = 0;
            while (!cut->is_done()) {
                ReworkedFrame segment;
                ReworkedFrame done;
                REQUIRE(cut->next(segment));
                REQUIRE(done.complete(segment.frame()));
                const Bytes bytes = join(done.frame());
                CHECK(sample.has_right_sum(bytes));
                CHECK(load_be<std::uint32_t>(bytes, sample.tcp + 4) ==
                      static_cast<std::uint32_t>(0xffff'fff0 + collected.size()));
                const bool last = collected.size() + bytes.size() - sample.headers == data;
                const auto flags = std::to_integer<unsigned>(bytes[sample.tcp + 13]);
                CHECK(flags == (0x10u | (count == 0 ? 0x80u : 0) | (last ? 0x09u : 0)));
                if (six) {
                    CHECK(load_be<std::uint16_t>(bytes, ip + 4) == bytes.size() - ip - 40);
                } else {
                    CHECK(load_be<std::uint16_t>(bytes, ip + 2) == bytes.size() - ip);
                    CHECK(load_be<std::uint16_t>(bytes, ip + 4) ==
                          static_cast<std::uint16_t>(0xffff + count));
                    CHECK(plain_sum(std::span(bytes).subspan(ip, 20)) == 0xffff);
                }
                collected.insert(collected.end(),
                                 bytes.begin() + static_cast<std::ptrdiff_t>(sample.headers),
                                 bytes.end());
                ++count;
            }
            CHECK(count == (data + 999) / 1000);
            CHECK(collected ==
                  Bytes(sample.bytes.begin() + static_cast<std::ptrdiff_t>(sample.headers),
                        sample.bytes.end()));
        }
    }
}

TEST_CASE("what is not TCP in IP is not cut", "[offloads]") {
    const auto refuses = [](auto spoil) {
        Sample sample(3000);
        spoil(sample);
        return !TcpSegments::of(sample.cut_up(1000));
    };
    CHECK(!refuses([](Sample&) {}));
    CHECK(refuses([](Sample& s) { s.frame.header.csum_start = 20; }));
    CHECK(refuses([](Sample& s) { s.frame.header.csum_offset = 6; }));
    CHECK(refuses([](Sample& s) { s.frame.header.csum_start = 0xfff0; }));
    CHECK(refuses([](Sample& s) { s.frame.header.gso_type = virtio_net::segments::tcpv6; }));
    CHECK(refuses([](Sample& s) { s.bytes[s.tcp + 12] = std::byte{0x40}; }));
    CHECK(refuses([](Sample& s) { store_be<std::uint16_t>(s.bytes, 12, 0x0806); }));
    Sample empty(0);
    CHECK(!TcpSegments::of(empty.cut_up(1000)));
}
