// SPDX-License-Identifier: MIT
// What the heap benchmark asks of an allocator: the same numbers on host and target, made from a
// seed before anything is measured.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::bench {

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
class Random {
  public:
    constexpr explicit Random(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }

    /// From 0 to bound - 1; the bias of so small bounds is of no account.
    constexpr std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
    }

  private:
    std::uint64_t state_;
};

inline constexpr std::size_t page = 4096;
inline constexpr std::size_t line = 64;

/// The sizes of blocks, uniform where nothing else is said.
enum class Sizes : std::uint8_t {
    fixed,   ///< 64 bytes
    small,   ///< 16 to 256 bytes
    medium,  ///< 256 to 4096 bytes
    wide,    ///< 16 bytes to 64 KiB, log-uniform: every doubling as often as every other
    pages,   ///< 1 to 8 pages, page-aligned
    lines,   ///< small ones, aligned to cache lines
    news,    ///< small ones, by operator new and delete
    sized,   ///< the same, with the size said to delete
};

[[nodiscard]] constexpr std::string_view to_string(Sizes sizes) {
    switch (sizes) {
        case Sizes::fixed: return "lifo";
        case Sizes::small: return "small";
        case Sizes::medium: return "medium";
        case Sizes::wide: return "wide";
        case Sizes::pages: return "pages";
        case Sizes::lines: return "lines";
        case Sizes::news: return "news";
        case Sizes::sized: return "sized";
    }
    return "unknown";
}

inline constexpr std::array all_sizes{Sizes::fixed, Sizes::small, Sizes::medium, Sizes::wide,
                                      Sizes::pages, Sizes::lines, Sizes::news,   Sizes::sized};

[[nodiscard]] constexpr std::optional<Sizes> sizes_from(std::string_view name) {
    for (const Sizes sizes : all_sizes) {
        if (to_string(sizes) == name) return sizes;
    }
    return std::nullopt;
}

/// 2^(i/256) in 1/65536, so that logarithms need no floating point at run time.
inline constexpr auto powers = [] {
    constexpr double step = 1.0027112750502025;  // 2^(1/256)
    std::array<std::uint32_t, 256> table{};
    double power = 1.0;
    for (std::uint32_t& each : table) {
        each = static_cast<std::uint32_t>(power * 65536.0);
        power *= step;
    }
    return table;
}();

[[nodiscard]] constexpr std::uint32_t draw(Sizes sizes, Random& random) {
    switch (sizes) {
        case Sizes::fixed: return 64;
        case Sizes::lines:
        case Sizes::news:
        case Sizes::sized:
        case Sizes::small: return 16 + random.below(256 - 16 + 1);
        case Sizes::medium: return 256 + random.below(4096 - 256 + 1);
        case Sizes::wide: {
            const std::uint32_t doubling = random.below(12);  // from 16 on
            return powers[random.below(256)] >> (12 - doubling);
        }
        case Sizes::pages: return static_cast<std::uint32_t>(page) * (1 + random.below(8));
    }
    return 0;
}

/// If the slot is empty, a block of `size` bytes is put there, else what is there is freed.
struct Step {
    std::uint32_t slot;
    std::uint32_t size;
};

inline constexpr std::uint32_t slots = 1024;

/// Fills `steps` with random slots of `slots`; `fixed` has one slot only, so that each block is
/// freed before the next one is asked for.
constexpr void make_steps(Sizes sizes, std::span<Step> steps, std::uint64_t seed) {
    Random random(seed);
    for (Step& step : steps) {
        step.slot = sizes == Sizes::fixed ? 0 : random.below(slots);
        step.size = draw(sizes, random);
    }
}

}  // namespace cairn::bench
