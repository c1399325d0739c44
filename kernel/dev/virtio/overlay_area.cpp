// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/dev/virtio/overlay_area.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace cairn {
namespace {

constexpr std::uint32_t current_version = 1;
constexpr std::array<char, 8> overlay_magic{'C', 'a', 'i', 'r', 'n', 'O', 'v', 'l'};

/// Little-endian, as the machine is.
struct OverlayHeader {
    std::array<char, 8> magic = overlay_magic;
    std::uint32_t version = current_version;
    std::uint32_t reserved = 0;
    std::uint64_t image_size;  ///< bytes
    std::uint64_t image_hash;
    std::uint64_t check = 0;  ///< hash of what is before it

    [[nodiscard]] std::uint64_t sum() const {
        ImageHash hash;
        hash.add(std::as_bytes(std::span(this, 1)).first(offsetof(OverlayHeader, check)));
        return hash.value();
    }
};
static_assert(sizeof(OverlayHeader) == 40);

}  // namespace

/// A step is a bijection of the state, so two images that differ in one word differ in their hash.
void ImageHash::add(std::span<const std::byte> bytes) {
    constexpr std::uint64_t multiplier = 0x9e37'79b9'7f4a'7c15;  // 2^64 by the golden ratio
    constexpr unsigned half = 32;
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 == 0;
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        std::uint64_t word = 0;
        if (is_aligned) {
            __builtin_memcpy(&word, std::assume_aligned<8>(bytes.data()), 8);
        } else {
            __builtin_memcpy(&word, bytes.data(), 8);
        }
        state_ = (state_ ^ word) * multiplier;
        state_ ^= state_ >> half;
    }
}

std::string_view to_string(OverlayFault fault) {
    switch (fault) {
        case OverlayFault::read_only: return "the disk is read-only";
        case OverlayFault::too_small: return "the disk is too small";
        case OverlayFault::blocks: return "the image is no whole number of the disk's blocks";
        case OverlayFault::failing: return "the disk reports an error";
        case OverlayFault::foreign:
            return "something else is on that disk; an overlay begins on zeroes";
        case OverlayFault::damaged: return "the overlay's header is damaged, or of another version";
        case OverlayFault::other_image: return "the overlay on that disk is of another image";
    }
    std::unreachable();
}

std::expected<bool, OverlayFault> check_overlay(std::span<const std::byte> area,
                                                std::uint64_t image_size,
                                                std::uint64_t image_hash) {
    OverlayHeader found{.image_size = 0, .image_hash = 0};
    std::memcpy(&found, area.data(), sizeof(found));
    if (found.magic != overlay_magic) {
        const bool is_blank =
            std::ranges::all_of(area, [](std::byte each) { return each == std::byte{0}; });
        if (!is_blank) return std::unexpected(OverlayFault::foreign);
        return false;
    }
    if (found.version != current_version || found.check != found.sum())
        return std::unexpected(OverlayFault::damaged);
    if (found.image_size != image_size || found.image_hash != image_hash)
        return std::unexpected(OverlayFault::other_image);
    return true;
}

void write_overlay_header(std::span<std::byte> area, std::uint64_t image_size,
                          std::uint64_t image_hash) {
    OverlayHeader header{.image_size = image_size, .image_hash = image_hash};
    header.check = header.sum();
    std::memcpy(area.data(), &header, sizeof(header));
}

}  // namespace cairn
