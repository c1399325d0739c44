// SPDX-License-Identifier: MIT
// For tests of the heap: a core on a region of its own, with a hook that collects faults.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <optional>
#include <vector>

#include "cairn/heap/general/heap_cache.hpp"
#include "cairn/host_region.hpp"

namespace cairn::test {

/// Collects what a heap reports, instead of a panic.
struct Faults {
    std::vector<HeapFault> seen;

    [[nodiscard]] FaultHook hook() {
        return {.function =
                    [](void* self, const HeapFault& fault) {
                        static_cast<Faults*>(self)->seen.push_back(fault);
                    },
                .context = this};
    }
    /// The kind of the only fault since the last call.
    [[nodiscard]] std::optional<HeapFaultKind> only() {
        std::optional<HeapFaultKind> kind;
        if (seen.size() == 1) kind = seen.front().kind;
        seen.clear();
        return kind;
    }
};

struct HeapBench {
    explicit HeapBench(std::size_t size = std::size_t{16} << 20)
        : region(mmap_region(size).value()) {
        (void)source.init(region).value();
        (void)core.init(source, "test", faults.hook(), true).value();
    }
    HeapBench(const HeapBench&) = delete;
    HeapBench& operator=(const HeapBench&) = delete;
    ~HeapBench() { ::munmap(region.base, region.size); }

    /// What each page of the window is.
    [[nodiscard]] const std::uint8_t* use_map() const { return core.use_map(); }

    Region region;
    BumpAllocator source;
    Faults faults;
    HeapCore core;
    HeapCache cache{core};
};

}  // namespace cairn::test
