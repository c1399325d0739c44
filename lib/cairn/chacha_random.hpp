// SPDX-License-Identifier: MIT
// Random bytes from a seed: ChaCha20 (RFC 8439, section 2.3) with its key replaced by its own
// output after every block, so that what was given out does not reveal what was given out before.
// As good as the seed is. No locking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn {

using ChachaState = std::array<std::uint32_t, 16>;

/// The block function: 20 rounds over `state`, added to it.
[[nodiscard]] ChachaState chacha20_block(const ChachaState& state);

class ChachaRandom {
  public:
    static constexpr std::size_t key_size = 32;  ///< bytes

    /// `seed` of any length; what is beyond 32 bytes is folded in. `salt` tells generators of one
    /// seed apart.
    ChachaRandom(std::span<const std::byte> seed, std::uint64_t salt);

    /// Adds to the seed: what comes from here on is as good as the better of the two.
    void stir(std::span<const std::byte> seed);
    void fill(std::span<std::byte> out);
    [[nodiscard]] std::uint64_t next();

  private:
    std::array<std::uint32_t, 8> key_{};
    std::uint64_t salt_;
    std::uint64_t blocks_ = 0;
};

}  // namespace cairn
