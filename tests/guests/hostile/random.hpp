// SPDX-License-Identifier: MIT
// What the hostile guest's choices come from: a generator of one seed for each hart, and values
// that are likelier to matter than others. Nothing that happens goes into it, so that a seed means
// the same actions each time.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace cairn::guest::hostile {

class Random {
  public:
    constexpr Random() = default;
    constexpr explicit Random(std::uint64_t seed) : state_(seed) {}

    /// SplitMix64.
    constexpr std::uint64_t next() {
        std::uint64_t mixed = state_ += 0x9e37'79b9'7f4a'7c15;
        mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11eb;
        return mixed ^ mixed >> 31;
    }
    constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    constexpr bool one_in(std::uint64_t bound) { return below(bound) == 0; }
    template <class T, std::size_t size>
    constexpr T one_of(const std::array<T, size>& values) {
        return values[below(size)];
    }

    /// A small number, a few bits, all ones, nearly so, or anything.
    constexpr std::uint64_t number() {
        switch (below(6)) {
            case 0: return below(9);
            case 1: return std::uint64_t{1} << below(64);
            case 2: return ~std::uint64_t{0} - below(3);
            case 3: return next() >> below(64);
            case 4: return below(4096);
            default: return next();
        }
    }

  private:
    std::uint64_t state_ = 0;
};

}  // namespace cairn::guest::hostile
