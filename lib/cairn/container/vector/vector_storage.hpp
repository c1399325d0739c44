// SPDX-License-Identifier: MIT
// The storage of `vector`: one block, and how it grows, moves and shrinks. Where blocks come from
// and by how much they grow is `string`'s too (BlockSource). No public interface: see
// lib/cairn/vector.hpp.
//
// Invariants: the elements are data_[0, size_), the rest of data_[0, capacity_) is raw; data_ is
// null exactly when capacity_ is 0. Every operation obtains its memory first and changes elements
// after that, so one that reports an error has changed nothing, its arguments included.
//
//     data_                     size_            capacity_
//     | element ... | gap being opened | element ... | raw ... |
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "cairn/base/language.hpp"
#include "cairn/bits.hpp"
#include "cairn/container/access.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/fallible.hpp"
#include "cairn/container/vector/relocate.hpp"

namespace cairn {

/// An allocator, and what containers with one block want of it.
template <class T, class Allocator>
class BlockSource {
  protected:
    using Traits = std::allocator_traits<Allocator>;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

    struct Block {
        T* data = nullptr;
        std::size_t capacity = 0;
    };

    constexpr BlockSource() noexcept(std::is_nothrow_default_constructible_v<Allocator>)
        requires std::default_initializable<Allocator>
    = default;
    constexpr explicit BlockSource(const Allocator& allocator) noexcept : allocator_(allocator) {}
    constexpr explicit BlockSource(Allocator&& allocator) noexcept
        : allocator_(std::move(allocator)) {}

    /// The most that one block can have.
    [[nodiscard]] constexpr std::size_t largest_block() const noexcept {
        constexpr std::size_t addressable = PTRDIFF_MAX / sizeof(T);
        const std::size_t allocatable = Traits::max_size(allocator_);
        return allocatable < addressable ? allocatable : addressable;
    }

    /// `count` raw elements, exactly.
    constexpr Result<Block> obtain_block(OnFailure failure, std::size_t count) {
        T* const data = obtain(failure, allocator_, count);
        if (data == nullptr) return std::unexpected(ContainerError::out_of_memory);
        return Block{data, count};
    }

    /// Whether the block now has `count` elements where it lies.
    constexpr bool resize_block(Block& block, std::size_t count) {
        if constexpr (ResizingAllocator<Allocator>) {
            if !consteval {
                if (block.data != nullptr &&
                    allocator_.try_resize(block.data, block.capacity, count)) {
                    block.capacity = count;
                    return true;
                }
            }
        }
        return false;
    }

    /// Capacities double, from 32 bytes on.
    [[nodiscard]] static constexpr std::size_t comfortable(std::size_t capacity,
                                                           std::size_t required, std::size_t most) {
        constexpr std::size_t smallest = sizeof(T) < 32 ? 32 / sizeof(T) : 1;
        if (capacity > most / 2) return most;
        std::size_t result = capacity * 2;
        if (result < smallest) result = smallest;
        return result < required ? required : result;
    }

    /// Room for `required` elements, at most `most`: an empty Block where `block` was lengthened,
    /// else a new one. Near the end of memory, takes no more than it needs.
    constexpr Result<Block> grow(OnFailure failure, Block& block, std::size_t required,
                                 std::size_t most) {
        const std::size_t generous = comfortable(block.capacity, required, most);
        if (resize_block(block, generous)) return Block{};
        if constexpr (FallibleAllocator<Allocator>) {
            if (generous > required) {
                const Result<Block> room = obtain_block(OnFailure::report, generous);
                if (room) return room;
                if (resize_block(block, required)) return Block{};
                return obtain_block(failure, required);
            }
        }
        return obtain_block(failure, generous);
    }

    [[no_unique_address]] Allocator allocator_{};
};

template <class T, class Allocator>
class VectorStorage : protected BlockSource<T, Allocator>,
                      public ContiguousAccess<VectorStorage<T, Allocator>, T> {
    using Source = BlockSource<T, Allocator>;
    friend ContiguousAccess<VectorStorage, T>;
    static constexpr const char* container_name = "vector";

  public:
    VectorStorage(const VectorStorage&) = delete;
    VectorStorage& operator=(const VectorStorage&) = delete;

    [[nodiscard]] constexpr T* data() noexcept { return data_; }
    [[nodiscard]] constexpr const T* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] constexpr std::size_t max_size() const noexcept { return maximum(); }

  protected:
    using Source::allocator_;
    using typename Source::Block, typename Source::Traits;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

    constexpr VectorStorage() noexcept(std::is_nothrow_default_constructible_v<Allocator>)
        requires std::default_initializable<Allocator>
    = default;
    constexpr explicit VectorStorage(const Allocator& allocator) noexcept : Source(allocator) {}
    constexpr explicit VectorStorage(Allocator&& allocator) noexcept
        : Source(std::move(allocator)) {}
    constexpr ~VectorStorage() { release(); }

    static constexpr bool elements_move = is_relocatable_v<T, Allocator>;

    [[nodiscard]] constexpr std::size_t maximum() const noexcept {
        if constexpr (!elements_move) {
            if (size_ != 0) return capacity_;
        }
        return this->largest_block();
    }

    // --- blocks

    /// `count` raw elements, exactly.
    constexpr Result<Block> new_block(OnFailure failure, std::size_t count) {
        if (count > maximum()) return too_long(failure, count);
        if (count == 0) return Block{};
        return this->obtain_block(failure, count);
    }

    constexpr std::unexpected<ContainerError> too_long(OnFailure failure, std::size_t count) const {
        if (failure == OnFailure::panic) panic_length(container_name, count, maximum());
        return std::unexpected(ContainerError::too_long);
    }

    [[nodiscard]] constexpr bool resize_in_place(std::size_t count) {
        if (count > maximum()) return false;
        Block own{data_, capacity_};
        const bool resized = this->resize_block(own, count);
        capacity_ = own.capacity;
        return resized;
    }

    /// Room for `extra` more elements: an empty Block where they now fit in place, else a new block
    /// that the elements have to move to.
    constexpr Result<Block> make_room(OnFailure failure, std::size_t extra) {
        if (extra <= capacity_ - size_) return Block{};
        if (extra > maximum() - size_)
            return too_long(failure, checked_add(size_, extra).value_or(SIZE_MAX));
        Block own{data_, capacity_};
        const Result<Block> room = this->grow(failure, own, size_ + extra, maximum());
        capacity_ = own.capacity;
        return room;
    }

    /// Takes `block` as the storage; the elements have left the old one.
    constexpr void adopt(Block block) {
        if (data_ != nullptr) Traits::deallocate(allocator_, data_, capacity_);
        data_ = block.data;
        capacity_ = block.capacity;
    }

    /// Moves the elements to `block`, leaving a gap of `count` at `index`.
    constexpr void move_to(Block block, std::size_t index, std::size_t count) {
        if constexpr (elements_move) {
            relocate_down(allocator_, data_, index, block.data);
            relocate_down(allocator_, data_ + index, size_ - index, block.data + index + count);
        }  // else there are none (maximum)
        adopt(block);
    }

    constexpr void release() {
        truncate(0);
        adopt(Block{});
    }

    constexpr void steal(VectorStorage& other) noexcept {
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }

    constexpr Result<void> reserve_at_least(OnFailure failure, std::size_t count) {
        if (count <= capacity_ || resize_in_place(count)) return {};
        const Result<Block> block = new_block(failure, count);
        if (!block) return std::unexpected(block.error());
        move_to(*block, size_, 0);
        return {};
    }

    /// Gives back what is not needed, where that takes no more memory than there is.
    constexpr void shrink() {
        if (size_ == capacity_) return;
        if (size_ == 0) return adopt(Block{});
        if (resize_in_place(size_) || !elements_move) return;
        const Result<Block> block = this->obtain_block(OnFailure::report, size_);
        if (block) move_to(*block, size_, 0);
    }

    constexpr void truncate(std::size_t count) {
        destroy_elements(allocator_, data_ + count, size_ - count);
        size_ = count;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace cairn
