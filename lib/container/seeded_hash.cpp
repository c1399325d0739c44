// SPDX-License-Identifier: MIT
#include "lib/container/seeded_hash.hpp"

#include <span>

#include "lib/platform.hpp"
#include "lib/spinlock.hpp"

namespace cairn {
namespace {

struct Secret {
    HashSeed seed;
    std::uint64_t drawn = 0;
};
constinit Guarded<Secret> the_secret;

}  // namespace

HashSeed next_hash_seed() {
    return the_secret.with([](Secret& secret) {
        if (secret.drawn == 0) platform_random(std::as_writable_bytes(std::span(&secret.seed, 1)));
        // Related seeds are as good as others: SipHash is a pseudorandom function.
        return HashSeed{secret.seed.first + secret.drawn++, secret.seed.second};
    });
}

}  // namespace cairn
