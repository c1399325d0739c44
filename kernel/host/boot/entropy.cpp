// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/boot/entropy.hpp"

#include <optional>

#include <cairn/chacha_random.hpp>
#include <cairn/panic.hpp>
#include <cairn/platform.hpp>
#include <cairn/spinlock.hpp>

namespace cairn {
namespace {

constinit Guarded<std::optional<ChachaRandom>> generator;

}  // namespace

void seed_entropy(std::span<const std::byte> seed, std::uint64_t time) {
    generator.with([=](std::optional<ChachaRandom>& random) { random.emplace(seed, time); });
}

void add_entropy(std::span<const std::byte> bytes) {
    generator.with([=](std::optional<ChachaRandom>& random) {
        if (random) random->stir(bytes);
    });
}

void platform_random(std::span<std::byte> out) {
    generator.with([=](std::optional<ChachaRandom>& random) {
        require(random.has_value(), "random bytes were asked for before there was a seed");
        random->fill(out);
    });
}

}  // namespace cairn
