// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/hardened_state.hpp"

#include <algorithm>

#include "cairn/heap/wrapper/hardened_block.hpp"

namespace cairn {
namespace {

std::optional<HardenedState::Finding> look_at_live(const std::byte* block) {
    const auto kind = hardened::damage(block);
    if (!kind) return std::nullopt;
    return HardenedState::Finding{*kind, block};
}

bool is_around(const std::byte* block, const void* address) {
    const hardened::Header& header = hardened::Header::before(block);
    const HardenedBlock& contents = header.contents();
    return header.seal_is_right() && reinterpret_cast<std::uintptr_t>(address) -
                                             reinterpret_cast<std::uintptr_t>(contents.span) <
                                         contents.span_size();
}

}  // namespace

std::optional<HardenedState::Finding> HardenedState::look_at(Quarantine::Entry entry,
                                                             std::byte freed, std::size_t most) {
    const bool untouched = entry.hidden ? hardened::is_hidden_untouched(entry.block, freed, most)
                                        : hardened::is_untouched(entry.block, freed, most);
    if (untouched) return std::nullopt;
    return Finding{HeapFaultKind::use_after_free, entry.block};
}

std::optional<HardenedState::Finding> HardenedState::look_back(std::byte freed) {
    constexpr std::size_t first_bytes = 128;
    if (newest != nullptr) {
        const auto finding = look_at_live(newest);
        if (finding) {
            newest = nullptr;
            return finding;
        }
    }
    if (quarantine.blocks() == 0) return std::nullopt;
    const auto finding = look_at(quarantine.entry(0), freed, first_bytes);
    if (finding) quarantine = {};
    return finding;
}

std::optional<HardenedState::Finding> HardenedState::look_at_all(std::byte freed) const {
    for (const std::byte* block = newest; block != nullptr;) {
        if (const auto finding = look_at_live(block)) return finding;
        block = hardened::Header::before(block).contents().older;
    }
    for (std::size_t i = 0; i < quarantine.blocks(); ++i) {
        if (const auto finding = look_at(quarantine.entry(i), freed)) return finding;
    }
    return std::nullopt;
}

std::optional<HardenedState::Found> HardenedState::find_around(const void* address) const {
    const auto found = [](const std::byte* block, bool freed) {
        return Found{block, hardened::Header::before(block).contents().size, freed};
    };
    for (const std::byte* block = newest; block != nullptr;) {
        if (is_around(block, address)) return found(block, false);
        const hardened::Header& header = hardened::Header::before(block);
        if (!header.seal_is_right()) break;
        block = header.contents().older;
    }
    for (std::size_t i = 0; i < quarantine.blocks(); ++i) {
        if (is_around(quarantine.entry(i).block, address)) {
            return found(quarantine.entry(i).block, true);
        }
    }
    return std::nullopt;
}

}  // namespace cairn
