// SPDX-License-Identifier: MIT
// Where formatted text goes. A Writer takes pieces of text in order and owns nothing; whoever holds
// a reference to one may not keep it. None of those here allocates or locks, so all of them work in
// a panic.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "cairn/base/language.hpp"

namespace cairn {

class Writer {
  public:
    virtual void write(std::string_view text) = 0;

  protected:
    ~Writer() = default;
};

/// Fills a span that somebody else owns; what does not fit is dropped, and remembered.
class SpanWriter final : public Writer {
  public:
    explicit SpanWriter(std::span<char> space) : space_(space) {}

    void write(std::string_view text) override {
        const std::size_t count = std::min(text.size(), space_.size() - used_);
        std::copy_n(text.data(), count, space_.data() + used_);
        used_ += count;
        truncated_ = truncated_ || count < text.size();
    }
    [[nodiscard]] std::string_view view() const { return {space_.data(), used_}; }
    [[nodiscard]] bool truncated() const { return truncated_; }
    void clear() {
        used_ = 0;
        truncated_ = false;
    }

  private:
    std::span<char> space_;
    std::size_t used_ = 0;
    bool truncated_ = false;
};

/// A SpanWriter with `size` bytes of its own, for the stack.
template <std::size_t size>
class FixedBuffer final : public Writer {
  public:
    FixedBuffer() = default;
    FixedBuffer(const FixedBuffer&) = delete;
    FixedBuffer& operator=(const FixedBuffer&) = delete;

    void write(std::string_view text) override { writer_.write(text); }
    [[nodiscard]] std::string_view view() const { return writer_.view(); }
    [[nodiscard]] bool truncated() const { return writer_.truncated(); }
    void clear() { writer_.clear(); }

  private:
    std::array<char, size> space_;
    SpanWriter writer_{space_};
};

/// Gathers text for a function that is better called seldom; what is left goes out with flush().
class BufferedWriter final : public Writer {
  public:
    using Out = void (*)(std::string_view text);

    explicit BufferedWriter(Out out) : out_(out) {}

    void write(std::string_view text) override;
    void flush();

  private:
    Out out_;
    std::size_t used_ = 0;
    std::array<char, 160> buffer_;
};

}  // namespace cairn
