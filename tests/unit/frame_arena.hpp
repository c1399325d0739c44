// SPDX-License-Identifier: MIT
// Page frames for tests of page tables.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "kernel/host/memory/frame_source.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {

/// Frames in ordinary memory at made-up physical addresses, full of garbage when handed out.
class FrameArena final : public FrameSource {
  public:
    explicit FrameArena(std::size_t limit = 100'000) : limit_(limit) {}
    ~FrameArena() { CHECK(blocks_.empty()); }  // every frame came back

    std::optional<HostPhys> allocate_frames(std::size_t count, std::uint64_t alignment) override {
        if (used_ + count > limit_) return std::nullopt;
        used_ += count;
        next_ = (next_ + alignment - 1) / alignment * alignment;
        const HostPhys base{next_};
        next_ += count * frame_size;
        std::vector<std::uint64_t> words(count * frame_size / 8, 0xdead'beef'dead'beef);
        blocks_.emplace(base.value, std::move(words));
        return base;
    }
    void free_frames(HostPhys base, std::size_t count) override {
        const auto block = blocks_.find(base.value);
        REQUIRE(block != blocks_.end());
        REQUIRE(block->second.size() == count * frame_size / 8);
        used_ -= count;
        blocks_.erase(block);
    }
    std::byte* at(HostPhys address) override {
        return reinterpret_cast<std::byte*>(&word(address));
    }
    std::uint64_t& word(HostPhys address) {
        auto block = blocks_.upper_bound(address.value);
        REQUIRE(block != blocks_.begin());
        --block;
        return block->second.at((address.value - block->first) / 8);
    }
    [[nodiscard]] std::size_t used() const { return used_; }
    void set_limit(std::size_t limit) { limit_ = limit; }

  private:
    std::map<std::uint64_t, std::vector<std::uint64_t>> blocks_;
    std::uint64_t next_ = 0x12'3456'7000;
    std::size_t used_ = 0;
    std::size_t limit_;
};

}  // namespace cairn
