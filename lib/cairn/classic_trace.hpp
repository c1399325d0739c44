// SPDX-License-Identifier: MIT
// The steps of the classical heap as values, for a reader who wants to watch it work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/writer.hpp"

namespace cairn::classic {

enum class Step : std::uint8_t {
    allocate,   ///< `size` bytes at a multiple of `other` are asked for
    too_small,  ///< the search meets the free block `at`, of `size` bytes, too few
    fits,       ///< the search meets the free block `at`, of `size` bytes, enough
    grow,       ///< the break gives a chunk `at`, of `size` bytes
    split,      ///< the block `at` keeps `size` bytes; the rest becomes the block `other`
    take,       ///< the block `at`, of `size` bytes, is handed out
    refuse,     ///< nothing fits, and the break gives no more
    free,       ///< the block `at`, of `size` bytes, comes back
    coalesce,   ///< the blocks `at` and `other` become one, `at`, of `size` bytes
    resize,     ///< the block `at` is to have `size` bytes instead of `other`
};

[[nodiscard]] std::string_view to_string(Step step);

/// Addresses are counted from the start of the first chunk, so that they are the same in every run.
struct Event {
    Step step;
    std::size_t at = 0;  ///< where the payload begins; of a chunk, where that begins
    std::size_t size = 0;
    std::size_t other = 0;

    bool operator==(const Event&) const = default;
};

/// As in: split: +32 keeps 48 bytes, and +112 is a block of its own
void format_value(Writer& writer, const Event& event);

/// Who hears of each step: a function and what it is called with. It runs with the heap's lock
/// held, so it must not call the heap. Empty: nobody.
struct TraceHook {
    void (*function)(void* context, const Event& event) = nullptr;
    void* context = nullptr;

    void operator()(const Event& event) const {
        if (function != nullptr) function(context, event);
    }
};

}  // namespace cairn::classic
