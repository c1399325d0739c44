// SPDX-License-Identifier: MIT
// Hashes that nobody outside can steer: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
// short-input PRF", 2012; one round per word and three at the end) under a secret seed. Who chooses
// keys, as a guest does, still cannot choose which of them collide.
//
// `seeded_hash<T>` takes integers, enumerations, pointers, whatever converts to std::string_view,
// pairs of these, and types of yours by a function in their namespace:
//
//     constexpr void hash_append(Hasher& hasher, const Page& page) { hasher.add(page.vm,
//     page.number); }
//
// Every default-constructed seeded_hash has a seed of its own, drawn from platform_random once per
// program. That is not for constant evaluation: there, and for hashes that must repeat, give a
// seed.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cairn {

struct HashSeed {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

/// A seed that no other hash has.
[[nodiscard]] HashSeed next_hash_seed();

/// An odd factor for the table of one hash_map (lib/cairn/container/map/hash_table.hpp), unlike the
/// others'. No secret.
[[nodiscard]] std::uint64_t next_hash_salt() noexcept;

class Hasher {
  public:
    constexpr explicit Hasher(HashSeed seed)
        : v0_(seed.first ^ 0x736f'6d65'7073'6575),
          v1_(seed.second ^ 0x646f'7261'6e64'6f6d),
          v2_(seed.first ^ 0x6c79'6765'6e65'7261),
          v3_(seed.second ^ 0x7465'6462'7974'6573) {}

    constexpr void word(std::uint64_t value) {
        v3_ ^= value;
        round();
        v0_ ^= value;
    }
    /// The bytes, then how many; a text alone hashes as in the paper.
    constexpr void text(std::string_view bytes) {
        const std::size_t whole = bytes.size() / 8 * 8;
        for (std::size_t i = 0; i < whole; i += 8)
            word(load(bytes.substr(i, 8)));
        word(load(bytes.substr(whole)) | std::uint64_t{bytes.size()} << 56);
    }
    /// Whatever seeded_hash takes.
    template <class... Values>
    constexpr void add(const Values&... values) {
        (append(values), ...);
    }
    [[nodiscard]] constexpr std::uint64_t finish() {
        v2_ ^= 0xff;
        round();
        round();
        round();
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

  private:
    constexpr void round() {
        v0_ += v1_;
        v2_ += v3_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ = std::rotl(v0_, 32) + v3_;
        v2_ += v1_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v2_ = std::rotl(v2_, 32);
    }

    /// Up to 8 bytes, the first one lowest.
    static constexpr std::uint64_t load(std::string_view bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        return value;
    }

    template <class T>
    constexpr void append(const T& value) {
        if constexpr (requires { hash_append(*this, value); }) {
            hash_append(*this, value);
        } else if constexpr (std::integral<T> || std::is_enum_v<T>) {
            static_assert(sizeof(T) <= sizeof(std::uint64_t));
            word(static_cast<std::uint64_t>(value));
        } else if constexpr (std::convertible_to<const T&, std::string_view>) {
            text(value);
        } else if constexpr (std::is_pointer_v<T>) {
            word(reinterpret_cast<std::uintptr_t>(value));
        } else if constexpr (requires { add(value.first, value.second); }) {
            add(value.first, value.second);
        } else {
            static_assert(!sizeof(T),
                          "seeded_hash: write `void hash_append(cairn::Hasher&, const T&)` in the "
                          "namespace of the key, or give the map a Hash (floating-point numbers "
                          "that compare equal need not have the same bits)");
        }
    }

    std::uint64_t v0_;
    std::uint64_t v1_;
    std::uint64_t v2_;
    std::uint64_t v3_;
};

/// One text is as good as another of the same letters.
template <class T>
struct HashTransparency {};
template <std::convertible_to<std::string_view> T>
struct HashTransparency<T> {
    using is_transparent = void;
};

template <class T>
class seeded_hash : public HashTransparency<T> {
  public:
    using is_avalanching = void;

    seeded_hash() : seed_(next_hash_seed()) {}
    constexpr explicit seeded_hash(HashSeed seed) : seed_(seed) {}

    template <class Key = T>
        requires(std::same_as<Key, T> || requires { typename HashTransparency<T>::is_transparent; })
    [[nodiscard]] constexpr std::uint64_t operator()(const Key& key) const {
        Hasher hasher(seed_);
        if constexpr (std::same_as<Key, T>) {
            hasher.add(key);
        } else {
            hasher.text(key);
        }
        return hasher.finish();
    }

  private:
    HashSeed seed_;
};

}  // namespace cairn
