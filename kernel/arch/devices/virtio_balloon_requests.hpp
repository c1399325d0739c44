// SPDX-License-Identifier: MIT
// A virtio balloon: features, configuration, and what its driver says in its queues:
//
//     inflate, deflate   readable   numbers of pages, 32 bits each
//     stats              readable   BalloonStat after BalloonStat
//     reporting          writable   the free memory itself
//
// Source: OASIS Virtual I/O Device (VIRTIO) Version 1.2, section 5.5 "Traditional Memory Balloon
// Device". tests/checks compares the rows with Linux's headers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cairn::virtio_balloon {

/// What the numbers of pages count, whatever the guest's own pages are (section 5.5.6).
inline constexpr unsigned page_bits = 12;

// Section 5.5.3 "Feature bits": X(name, bit, title)
#define CAIRN_VIRTIO_BALLOON_FEATURES(X)                                               \
    X(must_tell_host, 0, "host has to be told before pages from the balloon are used") \
    X(stats_vq, 1, "a virtqueue for reporting guest memory statistics is present")     \
    X(reporting, 5, "the device has support for free page reporting")

namespace feature {
#define CAIRN_ROW(name, bit, title) inline constexpr std::uint64_t name = std::uint64_t{1} << (bit);
CAIRN_VIRTIO_BALLOON_FEATURES(CAIRN_ROW)
#undef CAIRN_ROW
}  // namespace feature

// Section 5.5.6.4 "Memory Statistics Tags": X(name, tag, title). All but faults are bytes.
#define CAIRN_VIRTIO_BALLOON_STATS(X)                             \
    X(memfree, 4, "memory not being used for any purpose")        \
    X(memtot, 5, "total amount of memory available")              \
    X(avail, 6, "memory available for starting new applications") \
    X(caches, 7, "memory that can be quickly reclaimed")

enum class StatTag : std::uint16_t {
#define CAIRN_ROW(name, tag, title) name = (tag),
    CAIRN_VIRTIO_BALLOON_STATS(CAIRN_ROW)
#undef CAIRN_ROW
};

/// A statistic: 16 bits of a tag, 64 of a value, little-endian (section 5.5.6.3).
inline constexpr std::size_t stat_size = 10;

// Section 5.5.2 "Virtqueues".
inline constexpr std::size_t inflate_queue = 0;
inline constexpr std::size_t deflate_queue = 1;
inline constexpr std::size_t stats_queue = 2;
inline constexpr std::size_t reporting_queue = 4;
inline constexpr std::size_t queue_count = 5;

/// Section 5.5.4 "Device configuration layout", as far as the features above go.
struct Config {
    std::uint32_t num_pages;  ///< that the device wants to be in the balloon
    std::uint32_t actual;     ///< that the driver says are in it
};
static_assert(sizeof(Config) == 8 && offsetof(Config, actual) == 4);

}  // namespace cairn::virtio_balloon
