// SPDX-License-Identifier: MIT
// Fills memory as programs are said to: sizes and lifetimes both spread over orders of magnitude,
// most blocks small, most of them dead soon, and a few of each that stay.
//
// A block lives for a number of allocations that is drawn when it is made, lognormal with a median
// that would fill half of the limit, so that what lives grows until a request fails. Normal numbers
// are sums of twelve uniform ones (no floating point, the same everywhere).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "tests/bench/fill.hpp"
#include "tests/bench/trace.hpp"

namespace cairn::bench {

/// A distribution of sizes: the median times a power of two that is drawn.
struct Spread {
    std::string_view name;
    std::uint32_t median;
    std::uint32_t deviation;  ///< of the exponent, in 1/256; 0: uniform over `doublings`
    std::uint32_t doublings;  ///< to either side of the median, at most

    [[nodiscard]] std::uint32_t draw(Random& random) const;
};

/// A factor of e, as an exponent of two in 1/256.
inline constexpr std::uint32_t e_times = 369;

inline constexpr std::array spreads{
    Spread{"lognormal-48", 48, e_times, 8}, Spread{"lognormal-512", 512, e_times, 8},
    Spread{"loguniform", 2048, 0, 7},  // 16 bytes to 256 KiB
};
inline constexpr std::uint32_t deviation_of_lifetimes = 2 * e_times;
inline constexpr std::uint32_t doublings_of_lifetimes = 12;

[[nodiscard]] constexpr std::optional<Spread> spread_from(std::string_view name) {
    for (const Spread& each : spreads) {
        if (each.name == name) return each;
    }
    return std::nullopt;
}

/// `value` times 2^(power/256).
constexpr std::uint64_t scaled(std::uint64_t value, std::int64_t power) {
    const auto whole = power >> 8;  // rounded down
    const std::uint64_t product = value * powers[static_cast<std::size_t>(power & 255)];
    const auto shift = 16 - whole;
    return shift >= 0 ? product >> shift : product << -shift;
}

inline std::int64_t draw_power(std::uint32_t deviation, std::uint32_t doublings, Random& random) {
    const std::int64_t most = std::int64_t{doublings} * 256;
    if (deviation == 0) return std::int64_t{random.below(2 * doublings * 256)} - most;
    std::int64_t sum = -6 * 65536;  // of deviation 1 in 1/65536
    for (unsigned i = 0; i < 12; ++i)
        sum += random.below(65536);
    return std::clamp(sum * deviation / 65536, -most, most);
}

inline std::uint32_t Spread::draw(Random& random) const {
    const std::uint64_t size = scaled(median, draw_power(deviation, doublings, random));
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(size, 1));
}

struct Mortal {
    std::uint64_t end;  ///< counted in allocations
    Block block;

    bool operator>(const Mortal& other) const { return end > other.end; }
};

/// `Calls` as in fill.hpp. Until a request fails; the bytes asked for that live then.
template <class Calls>
std::size_t fill_by_lifetimes(Calls& calls, const Spread& sizes, std::size_t limit,
                              std::span<Mortal> storage) {
    constexpr std::greater<Mortal> later;
    const std::uint64_t median = limit / 2 / sizes.median;
    Random random(1);
    std::size_t live = 0;
    std::size_t count = 0;
    for (std::uint64_t now = 0; count < storage.size(); ++now) {
        for (; count != 0 && storage[0].end <= now; --count) {
            const Block dead = storage[0].block;
            std::pop_heap(storage.begin(), storage.begin() + std::ptrdiff_t(count), later);
            live -= dead.size;
            calls.free(dead);
        }
        const std::uint32_t size = sizes.draw(random);
        const std::uint64_t stays =
            scaled(median, draw_power(deviation_of_lifetimes, doublings_of_lifetimes, random));
        void* const at = calls.allocate(Sizes::small, size);
        if (at == nullptr) break;
        storage[count++] = {now + stays, {at, size}};
        std::push_heap(storage.begin(), storage.begin() + std::ptrdiff_t(count), later);
        live += size;
    }
    return live;
}

}  // namespace cairn::bench
