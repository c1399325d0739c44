// SPDX-License-Identifier: MIT
// What a disk that keeps an overlay of an image begins with, and where all of it lies:
//
//     0        OverlayHeader, zeroes behind it
//     4 KiB    a bit for each sector of the image, the lowest first: 1: it is on this disk
//     data     sector n of the image is the n-th from here on
//
// Data begin at a multiple of 128 KiB, so that file systems that leave their first 64 KiB alone are
// seen before they are written over. Pure; the disk is input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/bits.hpp>
#include "kernel/arch/devices/virtio_block_requests.hpp"

namespace cairn {

/// By which an image is known again: of bytes that come in pieces of whole words of 8.
class ImageHash {
  public:
    void add(std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 1;
};

/// Of one image, which has whole sectors.
struct OverlayArea {
    static constexpr std::uint64_t page_size = 4096;  ///< the bitmap is written by pages
    static constexpr std::uint64_t sectors_of_page = page_size * 8;
    static constexpr std::uint64_t data_alignment = 128 << 10;

    std::uint64_t image_size = 0;  ///< bytes

    /// Of the bitmap.
    [[nodiscard]] constexpr std::uint64_t pages() const {
        return (image_size / virtio_block::sector_size + sectors_of_page - 1) / sectors_of_page;
    }
    /// Bytes of header and bitmap, up to the data.
    [[nodiscard]] constexpr std::uint64_t size() const {
        return align_down((1 + pages()) * page_size + data_alignment - 1, data_alignment);
    }
    /// What the disk has at least, in bytes.
    [[nodiscard]] constexpr std::uint64_t disk_size() const { return size() + image_size; }
};

enum class OverlayFault : std::uint8_t {
    read_only,    ///< the disk
    too_small,    ///< the disk
    blocks,       ///< larger than a page, or the image has no whole number of them
    failing,      ///< the disk reports an error
    foreign,      ///< something else is on it
    damaged,      ///< the header of an overlay: its check sum, or its version
    other_image,  ///< an overlay of another image
};
/// What is wrong, as a sentence without a full stop.
[[nodiscard]] std::string_view to_string(OverlayFault fault);

/// Whether `area`, read from a disk, is an overlay of the image; false: it is blank, nothing but
/// zeroes.
[[nodiscard]] std::expected<bool, OverlayFault> check_overlay(std::span<const std::byte> area,
                                                              std::uint64_t image_size,
                                                              std::uint64_t image_hash);
/// Writes the header into `area`.
void write_overlay_header(std::span<std::byte> area, std::uint64_t image_size,
                          std::uint64_t image_hash);

}  // namespace cairn
