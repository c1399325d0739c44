// SPDX-License-Identifier: MIT
// A GeneralHeap for the tests of whatever stands on one: the C library's memory (so that
// AddressSanitizer knows every byte), and a map that knows each block's layout and judges every
// call. Not for threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <new>

#include <cairn/layout.hpp>

namespace cairn::tests {

class ModelHeap {
  public:
    struct Block {
        Layout layout;         ///< as asked for or resized to
        std::size_t capacity;  ///< bytes that there are
    };

    /// `limit` bytes at most are live; a block can grow in place by `spare` bytes.
    explicit ModelHeap(std::size_t limit = SIZE_MAX, std::size_t spare = 0)
        : limit_(limit), spare_(spare) {}
    ModelHeap(const ModelHeap&) = delete;
    ModelHeap& operator=(const ModelHeap&) = delete;
    ~ModelHeap() {
        for (const auto& [start, block] : blocks_)
            release(start, block);
    }

    [[nodiscard]] std::expected<std::byte*, AllocError> allocate(Layout layout) {
        if (!std::has_single_bit(layout.alignment)) {
            return std::unexpected(AllocError::bad_alignment);
        }
        if (!layout.is_valid()) return std::unexpected(AllocError::too_large);
        if (layout.size > limit_ - std::min(limit_, live_)) {
            return std::unexpected(AllocError::out_of_memory);
        }
        const Block block{layout, rounded(layout.size) + spare_};
        void* const memory = ::operator new(block.capacity, alignment_of(block), std::nothrow);
        if (memory == nullptr) return std::unexpected(AllocError::out_of_memory);
        auto* const start = static_cast<std::byte*>(memory);
        blocks_[start] = block;
        live_ += layout.size;
        ++allocations_;
        return start;
    }

    void deallocate(std::byte* start, Layout layout) {
        if (start == nullptr) return;
        const auto found = blocks_.find(start);
        if (found == blocks_.end() || found->second.layout != layout) {
            ++errors_;
            return;
        }
        erase(found);
    }

    void deallocate(std::byte* start) {
        if (start == nullptr) return;
        const auto found = blocks_.find(start);
        if (found == blocks_.end()) {
            ++errors_;
            return;
        }
        erase(found);
    }

    [[nodiscard]] bool try_resize(std::byte* start, Layout layout, std::size_t new_size) {
        const auto found = blocks_.find(start);
        if (found == blocks_.end() || found->second.layout != layout) {
            ++errors_;
            return false;
        }
        Block& block = found->second;
        if (new_size > block.capacity) return false;
        live_ = live_ - block.layout.size + new_size;
        block.layout.size = new_size;
        return true;
    }

    [[nodiscard]] std::size_t usable_size(const std::byte* start) const {
        const Block& block = blocks_.at(const_cast<std::byte*>(start));
        return rounded(block.layout.size);
    }

    [[nodiscard]] bool owns(const void* pointer) const {
        const auto at = reinterpret_cast<std::uintptr_t>(pointer);
        return std::ranges::any_of(blocks_, [&](const auto& each) {
            return at - reinterpret_cast<std::uintptr_t>(each.first) < each.second.capacity;
        });
    }

    [[nodiscard]] const std::map<std::byte*, Block>& blocks() const { return blocks_; }
    [[nodiscard]] std::size_t live_bytes() const { return live_; }
    /// Calls that no correct user makes.
    [[nodiscard]] unsigned errors() const { return errors_; }
    [[nodiscard]] unsigned allocations() const { return allocations_; }

  private:
    using Blocks = std::map<std::byte*, Block>;

    static std::size_t rounded(std::size_t size) {
        return (std::max<std::size_t>(size, 1) + 15) / 16 * 16;
    }
    static std::align_val_t alignment_of(const Block& block) {
        return std::align_val_t{std::max(block.layout.alignment, default_alignment)};
    }
    static void release(std::byte* start, const Block& block) {
        ::operator delete(start, alignment_of(block));
    }
    void erase(Blocks::iterator found) {
        live_ -= found->second.layout.size;
        release(found->first, found->second);
        blocks_.erase(found);
    }

    Blocks blocks_;
    std::size_t limit_;
    std::size_t spare_;
    std::size_t live_ = 0;
    unsigned errors_ = 0;
    unsigned allocations_ = 0;
};

static_assert(GeneralHeap<ModelHeap>);

}  // namespace cairn::tests
