// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/container/map/seeded_hash.hpp"

#include <atomic>
#include <span>

#include "cairn/base/mix64.hpp"
#include "cairn/container/map/hash_table.hpp"
#include "cairn/platform.hpp"
#include "cairn/spinlock.hpp"

namespace cairn {
namespace {

struct Secret {
    HashSeed seed;
    std::uint64_t drawn = 0;
};
constinit Guarded<Secret> the_secret;
constinit std::atomic<std::size_t> salts = 0;

}  // namespace

HashSeed next_hash_seed() {
    return the_secret.with([](Secret& secret) {
        if (secret.drawn == 0) platform_random(std::as_writable_bytes(std::span(&secret.seed, 1)));
        // Related seeds are as good as others: SipHash is a pseudorandom function.
        return HashSeed{secret.seed.first + secret.drawn++, secret.seed.second};
    });
}

std::uint64_t next_hash_salt() noexcept {
    return mix64(first_hash_salt + salts.fetch_add(1, std::memory_order_relaxed)) / 8 * 8 + 1;
}

}  // namespace cairn
