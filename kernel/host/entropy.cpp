// SPDX-License-Identifier: MIT
#include "kernel/host/entropy.hpp"

#include <optional>

#include "lib/chacha_random.hpp"
#include "lib/panic.hpp"
#include "lib/platform.hpp"
#include "lib/spinlock.hpp"

namespace cairn {
namespace {

constinit Guarded<std::optional<ChachaRandom>> generator;

}  // namespace

void seed_entropy(std::span<const std::byte> seed, std::uint64_t time) {
    generator.with([=](std::optional<ChachaRandom>& random) { random.emplace(seed, time); });
}

void platform_random(std::span<std::byte> out) {
    generator.with([=](std::optional<ChachaRandom>& random) {
        require(random.has_value(), "random bytes were asked for before there was a seed");
        random->fill(out);
    });
}

}  // namespace cairn
