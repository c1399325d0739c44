// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// The page of its registers, where the guest reads that: what is there is in step whenever its
// guard is let go, and its interrupt's status before the driver can see why.
#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/dev/virtio/virtio_mmio.hpp"

namespace cairn {

void VirtioMmio::show_page(std::uint64_t /*page*/, RegisterPage shown) {
    constexpr auto config_at = static_cast<std::uint64_t>(Register::config);
    shown_ = shown;
    for (std::uint64_t offset = 0; offset < config_at; offset += sizeof(std::uint32_t))
        show(static_cast<Register>(offset));
    show_config();
}

void VirtioMmio::show(Register which) {
    if (shown_) shown_.put(static_cast<std::uint64_t>(which), read_register(which));
}

/// Those that depend on what else is written, and the configuration.
void VirtioMmio::show_changes() {
    if (!shown_) return;
    for (const Register which : {Register::device_features, Register::queue_num_max,
                                 Register::queue_ready, Register::status})
        show(which);
    show_config();
    show(Register::config_generation);
}

/// Section 4.2.2.1: who reads the generation before and behind the configuration finds another one
/// there if that has changed meanwhile, so it changes before as well as behind. Who reads all of it
/// between these two is not told: fields of one word are right all the same.
void VirtioMmio::show_config() {
    constexpr auto config_at = static_cast<std::uint64_t>(Register::config);
    if (!shown_) return;
    const auto config = function_.config();
    const auto word_at = [&](std::size_t at) {
        std::uint32_t word = 0;
        std::memcpy(&word, &config[at], std::min(sizeof word, config.size() - at));
        return word;
    };
    bool changes = false;
    for (std::size_t at = 0; at < config.size(); at += sizeof(std::uint32_t)) {
        const std::uint32_t word = word_at(at);
        if (shown_.get(config_at + at) == word) continue;
        if (!std::exchange(changes, true)) {
            ++config_generation_;
            show(Register::config_generation);
        }
        shown_.put(config_at + at, word);
    }
    if (!changes) return;
    ++config_generation_;
    show(Register::config_generation);
}

}  // namespace cairn
