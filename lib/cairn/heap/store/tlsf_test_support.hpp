// SPDX-License-Identifier: MIT
// For tests of TlsfArena: an arena on memory of its own, with a hook that collects faults.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "cairn/bits.hpp"
#include "cairn/heap/store/tlsf_arena.hpp"
#include "tests/unit/catch.hpp"

namespace cairn::test {

using Arena = TlsfArena;

/// An arena on memory of its own, with a hook that collects what it reports.
class TlsfBench {
  public:
    using Arena = TlsfArena;

    explicit TlsfBench(std::size_t first_chunk = 64 * 1024) {
        // What lay there before means nothing.
        std::memset(memory_.data(), 0xa5, memory_.size());
        arena.init(report_, {memory_.data(), memory_.size()}, memory_.data());
        chunk = add(first_chunk);
    }
    TlsfBench(const TlsfBench&) = delete;
    TlsfBench& operator=(const TlsfBench&) = delete;

    Region add(std::size_t size) {
        const Region region{memory_.data() + used_, size};
        REQUIRE(arena.add_chunk(region.base, region.size));
        used_ += size;
        return region;
    }
    void leave_out(std::size_t bytes) { used_ += bytes; }

    /// The kind of the only fault since the last call.
    std::optional<HeapFaultKind> fault() {
        std::optional<HeapFaultKind> kind;
        if (faults.size() == 1) kind = faults.front().kind;
        faults.clear();
        return kind;
    }
    /// Clean, and one free block fills the chunk.
    bool is_whole() {
        return arena.check() && faults.empty() && arena.free_chunk(chunk.base) == chunk;
    }

    Arena arena;
    Region chunk;
    std::vector<HeapFault> faults;

  private:
    static void hear(void* self, const HeapFault& fault) {
        static_cast<TlsfBench*>(self)->faults.push_back(fault);
    }

    alignas(4096) std::array<std::byte, 256 * 1024> memory_;
    std::size_t used_ = align_up<std::size_t>(Arena::metadata_size, 4096).value();
    FaultReporter report_{.hook = {.function = &TlsfBench::hear, .context = this}, .owner = "test"};
};

inline std::byte* at(std::byte* block, std::ptrdiff_t offset) {
    return block + offset;
}

inline void write_word(std::byte* place, std::uint64_t value) {
    std::memcpy(place, &value, 8);
}

inline std::size_t blocks_in(const Arena& arena) {
    std::size_t count = 0;
    CHECK(arena.for_each_block([&](std::byte*, tlsf::View) { ++count; }) == nullptr);
    return count;
}

}  // namespace cairn::test
