// SPDX-License-Identifier: MIT
// How many bytes an owner has, and may have: counting alone, for Quota (lib/cairn/quota.hpp) and
// for whatever else is handed out by size, such as page frames.
//
//     live <= limit, but for what allocators round admitted requests up by
//     peak: the most that was ever live, reservations that came to nothing apart
//
// Thread-safe without a lock: every change is one atomic step.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/layout.hpp"
#include "cairn/writer.hpp"

namespace cairn {

class QuotaAccount {
  public:
    /// `owner` outlives the account.
    constexpr QuotaAccount(std::string_view owner, std::size_t limit)
        : owner_(owner), limit_(limit) {}
    QuotaAccount(const QuotaAccount&) = delete;
    QuotaAccount& operator=(const QuotaAccount&) = delete;

    /// Adds `bytes` to what is live, if the limit allows it: before the memory is asked for.
    /// Refuses with too_large what it could never allow, with out_of_memory what it could if
    /// something else were given back.
    [[nodiscard]] std::expected<void, AllocError> reserve(std::size_t bytes);
    /// Makes of a reservation what the memory takes now that it is there: 0 if it is not, and more
    /// than was reserved, whatever the limit, if it was rounded up.
    void settle(std::size_t reserved, std::size_t actual);
    /// Takes `bytes` off again; stops at none.
    void refund(std::size_t bytes);

    [[nodiscard]] std::string_view owner() const { return owner_; }
    [[nodiscard]] std::size_t limit() const { return limit_; }
    [[nodiscard]] std::size_t live() const { return live_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t peak() const { return peak_.load(std::memory_order_relaxed); }
    /// Reservations that were refused.
    [[nodiscard]] std::uint64_t refusals() const {
        return refusals_.load(std::memory_order_relaxed);
    }

  private:
    std::string_view owner_;
    std::size_t limit_;
    std::atomic<std::size_t> live_{0};
    std::atomic<std::size_t> peak_{0};
    std::atomic<std::uint64_t> refusals_{0};
};

/// As in: quota 'debian': 4096 of 65536 bytes live, 8192 at most, 2 requests refused
void format_value(Writer& writer, const QuotaAccount& account);

}  // namespace cairn
