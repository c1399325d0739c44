// SPDX-License-Identifier: MIT
// Room for a fixed number of objects of one type, made and ended in any order, each O(1): a
// BlockPool whose region comes from a ByteAllocator and goes back to it with the pool.
//
// Objects that are still there when the pool ends are not destroyed. No lock. The source outlives
// the pool.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>
#include <utility>

#include "cairn/block_pool.hpp"

namespace cairn {

template <class T, ByteAllocator Source>
class FixedPool {
  public:
    /// Without room before `init`. `owner` and `hook`: see BlockPool.
    constexpr explicit FixedPool(Source& source, std::string_view owner = {}, FaultHook hook = {})
        : source_(source), blocks_(owner, hook) {}
    FixedPool(const FixedPool&) = delete;
    FixedPool& operator=(const FixedPool&) = delete;
    ~FixedPool() {
        if (memory_ != nullptr) source_.deallocate(memory_, layout_);
    }

    /// Takes the room for `count` objects. Once only.
    [[nodiscard]] std::expected<void, AllocError> init(std::size_t count) {
        if (memory_ != nullptr) return std::unexpected(AllocError::already_initialised);
        if (count == 0) return std::unexpected(AllocError::bad_region);
        const auto layout = BlockPool::region_layout(Layout::of<T>(), count);
        if (!layout) return std::unexpected(layout.error());
        const auto memory = source_.allocate(*layout);
        if (!memory) return std::unexpected(memory.error());
        layout_ = *layout;
        memory_ = *memory;
        return blocks_.init({memory_, layout_.size}, Layout::of<T>());
    }

    /// A new object, or nullptr when all are in use.
    template <class... Arguments>
    [[nodiscard]] T* make(Arguments&&... arguments) {
        const auto block = blocks_.allocate(Layout::of<T>());
        if (!block) return nullptr;
        return std::construct_at(reinterpret_cast<T*>(*block),
                                 std::forward<Arguments>(arguments)...);
    }

    /// Ends an object of `make`; nullptr is nothing. The hook hears of any other address, and of
    /// objects that have ended already: neither is touched.
    void destroy(T* object) {
        auto* const block = reinterpret_cast<std::byte*>(object);
        if (object == nullptr || !blocks_.verify(block, Layout::of<T>())) return;
        std::destroy_at(object);
        blocks_.deallocate(block, Layout::of<T>());
    }

    [[nodiscard]] bool owns(const void* pointer) const { return blocks_.owns(pointer); }
    [[nodiscard]] std::size_t capacity() const { return blocks_.capacity(); }
    [[nodiscard]] std::size_t used() const { return blocks_.used(); }
    [[nodiscard]] std::size_t high_water() const { return blocks_.high_water(); }

  private:
    Source& source_;
    std::byte* memory_ = nullptr;
    Layout layout_;
    BlockPool blocks_;
};

}  // namespace cairn
