// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/dev/net/offloads.hpp"

#include <cstring>
#include <utility>

#include <cairn/big_endian.hpp>

namespace cairn {
namespace {

using virtio_net::ethernet_header_size;
namespace segments = virtio_net::segments;

constexpr std::size_t word_size = sizeof(std::uint16_t);
constexpr unsigned half_word = 16;

// Ethernet (IEEE 802.3), IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293): offsets in their headers.
constexpr std::size_t ethernet_type_at = 12;
constexpr std::uint16_t ethernet_ipv4 = 0x0800;
constexpr std::uint16_t ethernet_ipv6 = 0x86dd;

constexpr std::size_t ipv4_header_size = 20;  ///< without options
constexpr std::size_t ipv4_length_at = 2;     ///< of header and data
constexpr std::size_t ipv4_id_at = 4;
constexpr std::size_t ipv4_check_at = 10;

constexpr std::size_t ipv6_header_size = 40;
constexpr std::size_t ipv6_length_at = 4;  ///< of what follows the header

constexpr std::size_t tcp_header_size = 20;  ///< without options
constexpr std::size_t tcp_sequence_at = 4;
constexpr std::size_t tcp_offset_at = 12;  ///< upper four bits: its header in words of 32 bits
constexpr std::size_t tcp_flags_at = 13;
constexpr std::size_t tcp_check_at = 16;
constexpr std::byte tcp_fin{0x01};
constexpr std::byte tcp_psh{0x08};
constexpr std::byte tcp_cwr{0x80};

}  // namespace

void InternetSum::add(std::span<const std::byte> bytes) {
    static_assert(std::endian::native == std::endian::little);
    if (bytes.empty()) return;
    std::size_t at = 0;
    if (std::exchange(is_odd_, false)) sum_ += std::to_integer<std::uint64_t>(bytes[at++]) << 8;
    // Several words at once: one's complement folds them together in the end (section 2.C).
    for (; bytes.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
        std::uint64_t part = 0;
        std::memcpy(&part, &bytes[at], sizeof part);
        sum_ += (part >> 32) + static_cast<std::uint32_t>(part);
    }
    for (; bytes.size() - at >= word_size; at += word_size)
        sum_ += std::to_integer<std::uint64_t>(bytes[at]) |
                std::to_integer<std::uint64_t>(bytes[at + 1]) << 8;
    if (at == bytes.size()) return;
    sum_ += std::to_integer<std::uint64_t>(bytes[at]);
    is_odd_ = true;
}

std::uint16_t InternetSum::value() const {
    std::uint64_t sum = sum_;
    while (sum >> half_word != 0)
        sum = (sum >> half_word) + (sum & 0xffff);
    return std::byteswap(static_cast<std::uint16_t>(sum));
}

bool ReworkedFrame::begin(const NetFrame& frame, std::size_t headers) {
    if (headers > headers_.size()) return false;
    header_size_ = 0;
    for_each_piece(frame, 0, headers, [&](std::span<const std::byte> piece) {
        std::ranges::copy(piece, headers_.begin() + static_cast<std::ptrdiff_t>(header_size_));
        header_size_ += piece.size();
    });
    pieces_.clear();
    pieces_.push_back({headers_.data(), header_size_});
    return true;
}

bool ReworkedFrame::add(const NetFrame& frame, std::uint64_t from, std::uint64_t size) {
    bool fits = true;
    for_each_piece(frame, from, size, [&](std::span<const std::byte> piece) {
        fits = fits && pieces_.try_push_back(piece) != nullptr;
    });
    frame_.pieces = {pieces_.data(), pieces_.size()};
    frame_.size = header_size_ + size;
    return fits;
}

std::uint16_t ReworkedFrame::word(std::size_t at) const {
    return load_be<std::uint16_t>(headers_, at);
}

void ReworkedFrame::set_word(std::size_t at, std::uint16_t value) {
    store_be(headers_, at, value);
}

/// The sender has put the sum of the pseudo header there; a result of 0 is sent as 0xffff, which is
/// the same (RFC 768).
bool ReworkedFrame::complete(const NetFrame& frame) {
    const std::size_t check_at = std::size_t{frame.header.csum_start} + frame.header.csum_offset;
    const std::size_t headers = std::max(check_at + word_size, ethernet_header_size);
    if (!begin(frame, headers) || !add(frame, headers, frame.size - headers)) return false;
    frame_.header = {};
    InternetSum sum;
    for_each_piece(frame_, frame.header.csum_start, frame_.size - frame.header.csum_start,
                   [&](std::span<const std::byte> piece) { sum.add(piece); });
    const auto check = static_cast<std::uint16_t>(~sum.value());
    set_word(check_at, check == 0 ? std::uint16_t{0xffff} : check);
    return true;
}

std::optional<TcpSegments> TcpSegments::of(const NetFrame& frame) {
    TcpSegments made(frame);
    made.tcp_ = frame.header.csum_start;
    made.is_ipv6_ = frame.header.gso_type == segments::tcpv6;
    const std::size_t ip_size = made.is_ipv6_ ? ipv6_header_size : ipv4_header_size;
    if (made.tcp_ < ethernet_header_size + ip_size || frame.header.csum_offset != tcp_check_at ||
        frame.size < made.tcp_ + tcp_header_size)
        return std::nullopt;
    ReworkedFrame start;
    if (!start.begin(frame, made.tcp_ + tcp_header_size)) return std::nullopt;
    if (start.word(ethernet_type_at) != (made.is_ipv6_ ? ethernet_ipv6 : ethernet_ipv4))
        return std::nullopt;
    const auto words = std::to_integer<std::size_t>(start.headers_[made.tcp_ + tcp_offset_at] >> 4);
    const std::size_t tcp_size = words * sizeof(std::uint32_t);
    made.headers_ = made.tcp_ + tcp_size;
    if (tcp_size < tcp_header_size || made.headers_ > ReworkedFrame::most_headers ||
        made.headers_ >= frame.size)
        return std::nullopt;
    made.data_size_ = frame.size - made.headers_;
    return made;
}

bool TcpSegments::next(ReworkedFrame& segment) {
    const std::uint64_t data = std::min<std::uint64_t>(frame_.header.gso_size, data_size_ - next_);
    if (!segment.begin(frame_, headers_) || !segment.add(frame_, headers_ + next_, data))
        return false;
    finish_ip(segment, data);
    finish_tcp(segment, data);
    segment.frame_.header = {.flags = virtio_net::needs_csum,
                             .gso_type = segments::none,
                             .hdr_len = 0,
                             .gso_size = 0,
                             .csum_start = frame_.header.csum_start,
                             .csum_offset = frame_.header.csum_offset,
                             .num_buffers = 1};
    next_ += data;
    return true;
}

void TcpSegments::finish_ip(ReworkedFrame& segment, std::uint64_t data) const {
    constexpr std::size_t ip = ethernet_header_size;
    const std::uint64_t behind = headers_ - ip + data;
    if (is_ipv6_) {
        segment.set_word(ip + ipv6_length_at,
                         static_cast<std::uint16_t>(behind - ipv6_header_size));
        return;
    }
    const std::uint64_t index = next_ / frame_.header.gso_size;
    segment.set_word(ip + ipv4_length_at, static_cast<std::uint16_t>(behind));
    segment.set_word(ip + ipv4_id_at,
                     static_cast<std::uint16_t>(segment.word(ip + ipv4_id_at) + index));
    segment.set_word(ip + ipv4_check_at, 0);
    InternetSum sum;
    sum.add(std::span(segment.headers_).subspan(ip, tcp_ - ip));
    segment.set_word(ip + ipv4_check_at, static_cast<std::uint16_t>(~sum.value()));
}

/// The pseudo header's sum, which the sender has left in the check sum's place, counts the length
/// of TCP's header and data: it becomes the segment's.
void TcpSegments::finish_tcp(ReworkedFrame& segment, std::uint64_t data) const {
    const std::uint64_t header = headers_ - tcp_;
    const auto sequence = load_be<std::uint32_t>(segment.headers_, tcp_ + tcp_sequence_at);
    store_be(segment.headers_, tcp_ + tcp_sequence_at,
             static_cast<std::uint32_t>(sequence + next_));
    std::byte& flags = segment.headers_[tcp_ + tcp_flags_at];
    if (next_ + data < data_size_) flags &= ~(tcp_fin | tcp_psh);
    if (next_ != 0) flags &= ~tcp_cwr;
    InternetSum sum;
    sum.add(segment.word(tcp_ + tcp_check_at));
    sum.add(static_cast<std::uint16_t>(~(header + data_size_)));
    sum.add(static_cast<std::uint16_t>(header + data));
    segment.set_word(tcp_ + tcp_check_at, sum.value());
}

}  // namespace cairn
