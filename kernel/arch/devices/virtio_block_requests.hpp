// SPDX-License-Identifier: MIT
// A virtio block device: features, configuration, and what a request consists of:
//
//     readable   BlockRequest ── data of a write, or a BlockRange
//     writable   data of a read, or an id ── status, one byte
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 5.2 "Block Device".
// tests/checks compares the rows with Linux's headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::virtio_block {

/// Sectors are the unit of the protocol, whatever the device's blocks are.
inline constexpr std::uint64_t sector_size = 512;

// Section 5.2.3 "Feature bits": X(name, bit, title)
#define CAIRN_VIRTIO_BLOCK_FEATURES(X)                       \
    X(seg_max, 2, "maximum number of segments in a request") \
    X(ro, 5, "the device is read-only")                      \
    X(blk_size, 6, "block size of the disk")                 \
    X(flush, 9, "cache flush command support")               \
    X(mq, 12, "support more than one vq")                    \
    X(discard, 13, "the device can support discard command") \
    X(write_zeroes, 14, "the device can support write zeroes command")

namespace feature {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint64_t name = std::uint64_t{1} << (bit);
CAIRN_VIRTIO_BLOCK_FEATURES(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace feature

// Section 5.2.6 "Device Operation": X(name, value, title)
#define CAIRN_VIRTIO_BLOCK_REQUESTS(X) \
    X(in, 0, "read")                   \
    X(out, 1, "write")                 \
    X(flush, 4, "flush")               \
    X(get_id, 8, "device ID")          \
    X(discard, 11, "discard")          \
    X(write_zeroes, 13, "write zeroes")

enum class RequestType : std::uint32_t {
#define CAIRN_ROW(name, value, title) name = (value),
    CAIRN_VIRTIO_BLOCK_REQUESTS(CAIRN_ROW)
#undef CAIRN_ROW
};

#define CAIRN_VIRTIO_BLOCK_STATUS(X)      \
    X(ok, 0, "success")                   \
    X(ioerr, 1, "device or driver error") \
    X(unsupp, 2, "request unsupported by device")

enum class Status : std::uint8_t {
#define CAIRN_ROW(name, value, title) name = (value),
    CAIRN_VIRTIO_BLOCK_STATUS(CAIRN_ROW)
#undef CAIRN_ROW
};

/// What a request begins with.
struct BlockRequest {
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t sector;
};
static_assert(sizeof(BlockRequest) == 16);

/// The data of discard and write zeroes.
struct BlockRange {
    std::uint64_t sector;
    std::uint32_t sectors;
    std::uint32_t flags;
};
static_assert(sizeof(BlockRange) == 16);

inline constexpr std::uint32_t range_unmap = 1;  ///< BlockRange::flags
inline constexpr std::size_t id_size = 20;       ///< bytes, with zeroes behind a shorter id

/// Section 5.2.4 "Device configuration layout", as far as the features above go.
struct Config {
    std::uint64_t capacity;  ///< in sectors
    std::uint32_t size_max;
    std::uint32_t seg_max;
    std::uint16_t cylinders;
    std::uint8_t heads;
    std::uint8_t sectors;
    std::uint32_t blk_size;
    std::uint8_t physical_block_exp;
    std::uint8_t alignment_offset;
    std::uint16_t min_io_size;
    std::uint32_t opt_io_size;
    std::uint8_t writeback;
    std::uint8_t unused0;
    std::uint16_t num_queues;
    std::uint32_t max_discard_sectors;
    std::uint32_t max_discard_seg;
    std::uint32_t discard_sector_alignment;
    std::uint32_t max_write_zeroes_sectors;
    std::uint32_t max_write_zeroes_seg;
    std::uint8_t write_zeroes_may_unmap;
    std::uint8_t unused1[3];
};
static_assert(offsetof(Config, seg_max) == 12 && offsetof(Config, blk_size) == 20);
static_assert(offsetof(Config, num_queues) == 34 && offsetof(Config, max_discard_sectors) == 36 &&
              offsetof(Config, write_zeroes_may_unmap) == 56 && sizeof(Config) == 64);

/// What can be discarded or zeroed at once, as the configuration says; 0: nothing.
struct ZeroingLimits {
    std::uint32_t max_discard_sectors = 0;
    std::uint32_t discard_sector_alignment = 0;
    std::uint32_t max_write_zeroes_sectors = 0;
    bool write_zeroes_may_unmap = false;
};

}  // namespace cairn::virtio_block
