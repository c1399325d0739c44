// SPDX-License-Identifier: MIT
// The buffers of one request, copied out of the driver's descriptors and checked once, so that
// nothing that the driver writes later changes them: first those that the device reads, then those
// that it writes (VIRTIO 1.2, section 2.7.4.2). Each half is a stream of bytes, whatever its
// buffers are: a device assumes nothing of them (section 2.7.4.1).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <cairn/static_vector.hpp>
#include "kernel/arch/address.hpp"

namespace cairn {

/// What is left of the bytes of some buffers.
class BufferStream {
  public:
    BufferStream() = default;
    /// `bytes` in all.
    BufferStream(std::span<const GuestRange> buffers, std::uint64_t bytes)
        : buffers_(buffers), left_(bytes) {}

    [[nodiscard]] std::uint64_t left() const { return left_; }
    /// Those of the next `most` bytes that lie in one buffer; none at the end.
    [[nodiscard]] GuestRange front(std::uint64_t most) const {
        if (left_ == 0) return {};
        const GuestRange& buffer = buffers_.front();
        return {buffer.base + offset_, std::min({most, left_, buffer.size - offset_})};
    }
    /// Where the byte lies that comes `bytes` behind the next one; there is one.
    [[nodiscard]] GuestPhys at(std::uint64_t bytes) const {
        bytes += offset_;
        std::size_t n = 0;
        for (; bytes >= buffers_[n].size; ++n)
            bytes -= buffers_[n].size;
        return buffers_[n].base + bytes;
    }
    /// Leaves out the next `bytes`, which `front` has given.
    void advance(std::uint64_t bytes) {
        left_ -= bytes;
        offset_ += bytes;
        if (!buffers_.empty() && offset_ == buffers_.front().size) {
            buffers_ = buffers_.subspan(1);
            offset_ = 0;
        }
    }
    /// Takes the last byte off; there is one.
    [[nodiscard]] GuestPhys take_last() {
        --left_;
        return buffers_.back().base + (buffers_.back().size - 1);
    }

  private:
    std::span<const GuestRange> buffers_;
    std::uint64_t offset_ = 0;  ///< in the first
    std::uint64_t left_ = 0;
};

/// By what a chain is given back.
struct ChainToken {
    std::uint16_t id = 0;       ///< by which the driver knows it
    std::uint16_t entries = 0;  ///< that it has of the ring in which it was available
};

class DescriptorChain {
  public:
    static constexpr std::size_t max_buffers = 256;

    DescriptorChain() = default;
    DescriptorChain(const DescriptorChain&) = delete;
    DescriptorChain& operator=(const DescriptorChain&) = delete;

    void begin(ChainToken token) {
        token_ = token;
        buffers_.clear();
        readable_ = 0;
        readable_bytes_ = 0;
        bytes_ = 0;
    }
    /// False where there is no room for another. Readable ones come first.
    [[nodiscard]] bool add(GuestRange buffer, bool writable) {
        if (buffers_.try_push_back(buffer) == nullptr) return false;
        bytes_ += buffer.size;
        if (writable) return true;
        ++readable_;
        readable_bytes_ = bytes_;
        return true;
    }

    /// Where it is known at the chain's end alone.
    void name(ChainToken token) { token_ = token; }
    [[nodiscard]] ChainToken token() const { return token_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] bool has_writable() const { return readable_ != buffers_.size(); }
    // Valid until the next `begin`.
    [[nodiscard]] BufferStream readable() const {
        return {all().first(readable_), readable_bytes_};
    }
    [[nodiscard]] BufferStream writable() const {
        return {all().subspan(readable_), bytes_ - readable_bytes_};
    }

  private:
    [[nodiscard]] std::span<const GuestRange> all() const {
        return {buffers_.data(), buffers_.size()};
    }

    static_vector<GuestRange, max_buffers> buffers_;
    std::size_t readable_ = 0;  ///< the first so many; the others are writable
    std::uint64_t readable_bytes_ = 0;
    std::uint64_t bytes_ = 0;
    ChainToken token_;
};

}  // namespace cairn
