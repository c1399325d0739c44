// SPDX-License-Identifier: MIT
// What a Hardened (lib/cairn/hardened.hpp) keeps under its lock: the list of its live blocks,
// through their headers, and the freed ones that wait.
#pragma once

#include <cstddef>
#include <optional>

#include "cairn/heap/wrapper/quarantine.hpp"
#include "cairn/heap_fault.hpp"

namespace cairn {

struct HardenedState {
    struct Finding {
        HeapFaultKind kind;
        const std::byte* block;
    };

    /// A block, and what it is.
    struct Found {
        const std::byte* block;
        std::size_t size;
        bool freed;
    };

    Quarantine quarantine;
    std::byte* newest = nullptr;  ///< of the live blocks

    /// Looks at the block that was handed out last, and at the first bytes of the one that was
    /// freed last. Where there is damage, the list or the quarantine is forgotten.
    [[nodiscard]] std::optional<Finding> look_back(std::byte freed);
    /// The same after a fault of a block was found otherwise.
    void forget_damaged(const std::byte* block, HeapFaultKind kind) {
        using enum HeapFaultKind;
        if (block == newest && (kind == underflow || kind == corrupt_header)) newest = nullptr;
    }
    /// Looks at all of them. A header with damage ends the list.
    [[nodiscard]] std::optional<Finding> look_at_all(std::byte freed) const;
    /// The block whose span an address lies in, live or waiting.
    [[nodiscard]] std::optional<Found> find_around(const void* address) const;
    /// At the `most` first bytes of one that waits, or all that may be touched.
    [[nodiscard]] static std::optional<Finding> look_at(Quarantine::Entry entry, std::byte freed,
                                                        std::size_t most = SIZE_MAX);
};

}  // namespace cairn
