// SPDX-License-Identifier: MIT
#include "cairn/quota_account.hpp"

#include <algorithm>

#include "cairn/print.hpp"

namespace cairn {

std::expected<void, AllocError> QuotaAccount::reserve(std::size_t bytes) {
    std::size_t live = live_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit_ - std::min(live, limit_)) {
            refusals_.fetch_add(1, std::memory_order_relaxed);
            return std::unexpected(bytes > limit_ ? AllocError::too_large
                                                  : AllocError::out_of_memory);
        }
    } while (!live_.compare_exchange_weak(live, live + bytes, std::memory_order_relaxed));
    return {};
}

void QuotaAccount::refund(std::size_t bytes) {
    std::size_t live = live_.load(std::memory_order_relaxed);
    while (!live_.compare_exchange_weak(live, live - std::min(live, bytes),
                                        std::memory_order_relaxed)) {
    }
}

void QuotaAccount::settle(std::size_t reserved, std::size_t actual) {
    if (actual < reserved) refund(reserved - actual);
    if (actual > reserved) live_.fetch_add(actual - reserved, std::memory_order_relaxed);
    if (actual == 0) return;
    const std::size_t live = live_.load(std::memory_order_relaxed);
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < live && !peak_.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
    }
}

void format_value(Writer& writer, const QuotaAccount& account) {
    print(writer, "quota '{}': {} of {} bytes live, {} at most, {} request{} refused",
          account.owner(), account.live(), account.limit(), account.peak(), account.refusals(),
          account.refusals() == 1 ? "" : "s");
}

}  // namespace cairn
