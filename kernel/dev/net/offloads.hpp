// SPDX-License-Identifier: MIT
// What a sender leaves to whoever takes its frame (VIRTIO 1.2, section 5.1.6.2): its check sum, and
// to be cut into segments of TCP. It is done here for those that cannot, without a copy of what is
// in the frame: of each frame that is made, the headers are new.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <cairn/static_vector.hpp>
#include "kernel/dev/net/net_frame.hpp"

namespace cairn {

/// The sum of one's complement of 16-bit words in network order (RFC 1071); not inverted. It is
/// made in the machine's order, in which all bytes are the other way round (section 2.B).
class InternetSum {
  public:
    /// Any number of bytes; an odd one goes on with the next call.
    void add(std::span<const std::byte> bytes);
    void add(std::uint16_t word) { sum_ += std::byteswap(word); }
    [[nodiscard]] std::uint16_t value() const;

  private:
    std::uint64_t sum_ = 0;
    bool is_odd_ = false;
};

/// The bytes of a frame from `from` on, `size` of them, which it has: calls `visit(span)` for each
/// piece.
template <class Visitor>
void for_each_piece(const NetFrame& frame, std::uint64_t from, std::uint64_t size, Visitor visit) {
    for (const std::span<const std::byte> piece : frame.pieces) {
        if (size == 0) return;
        if (from >= piece.size()) {
            from -= piece.size();
            continue;
        }
        const std::uint64_t part = std::min<std::uint64_t>(size, piece.size() - from);
        visit(piece.subspan(from, part));
        from = 0;
        size -= part;
    }
}

/// A frame whose headers are its own, and whose other bytes are another's.
class ReworkedFrame {
  public:
    /// Ethernet, IPv4 with options or IPv6 with some extensions, TCP with options.
    static constexpr std::size_t most_headers = 256;
    static constexpr std::size_t most_pieces = 136;

    ReworkedFrame() = default;
    ReworkedFrame(const ReworkedFrame&) = delete;
    ReworkedFrame& operator=(const ReworkedFrame&) = delete;

    /// `frame` with its check sum, where one is to be computed; false where there is no room for
    /// its headers. What `frame` refers to outlives it.
    [[nodiscard]] bool complete(const NetFrame& frame);

    [[nodiscard]] const NetFrame& frame() const { return frame_; }

  private:
    friend class TcpSegments;

    [[nodiscard]] bool begin(const NetFrame& frame, std::size_t headers);
    [[nodiscard]] bool add(const NetFrame& frame, std::uint64_t from, std::uint64_t size);
    [[nodiscard]] std::uint16_t word(std::size_t at) const;
    void set_word(std::size_t at, std::uint16_t value);

    std::array<std::byte, most_headers> headers_{};
    std::size_t header_size_ = 0;
    static_vector<std::span<const std::byte>, most_pieces> pieces_;
    NetFrame frame_;
};

/// Cuts a frame that is to be cut into segments. What is in them is the frame's, which outlives it.
class TcpSegments {
  public:
    /// Nothing where the frame is not what its header says: IP in Ethernet, TCP in it, headers not
    /// longer than ReworkedFrame can hold.
    [[nodiscard]] static std::optional<TcpSegments> of(const NetFrame& frame);

    /// Of Ethernet, IP and TCP together.
    [[nodiscard]] std::size_t header_bytes() const { return headers_; }
    [[nodiscard]] bool is_done() const { return next_ >= data_size_; }
    /// The next segment, with its check sum still to be computed; false where it has too many
    /// pieces.
    [[nodiscard]] bool next(ReworkedFrame& segment);

  private:
    explicit TcpSegments(const NetFrame& frame) : frame_(frame) {}

    void finish_ip(ReworkedFrame& segment, std::uint64_t data) const;
    void finish_tcp(ReworkedFrame& segment, std::uint64_t data) const;

    const NetFrame& frame_;
    std::size_t tcp_ = 0;          ///< where its header begins
    std::size_t headers_ = 0;      ///< bytes of all headers
    std::uint64_t data_size_ = 0;  ///< bytes behind them
    std::uint64_t next_ = 0;       ///< of those, cut so far
    bool is_ipv6_ = false;
};

}  // namespace cairn
