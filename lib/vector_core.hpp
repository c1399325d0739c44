// SPDX-License-Identifier: MIT
// The storage of `vector`: one block, its elements, and how both grow. No public interface: see
// lib/vector.hpp.
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
#include <expected>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include "lib/bits.hpp"
#include "lib/relocate.hpp"
#include "lib/vector_error.hpp"

namespace cairn {

/// An allocator that can say no: null instead of a panic.
template <class Allocator>
concept FallibleAllocator = requires(Allocator& allocator, std::size_t count) {
    { allocator.try_allocate(count) } -> std::same_as<typename Allocator::value_type*>;
};

/// An allocator that can sometimes change the size of a block where it is.
template <class Allocator>
concept ResizingAllocator =
    requires(Allocator& allocator, typename Allocator::value_type* block, std::size_t count) {
        { allocator.try_resize(block, count, count) } -> std::same_as<bool>;
    };

/// What happens when memory runs out: the allocator panics, or the caller is told.
enum class OnFailure : std::uint8_t { panic, report };

template <class T, class Allocator>
class VectorCore {
  public:
    VectorCore(const VectorCore&) = delete;
    VectorCore& operator=(const VectorCore&) = delete;

  protected:
    using Traits = std::allocator_traits<Allocator>;
    template <class Value>
    using Result = std::expected<Value, VectorError>;

    constexpr VectorCore() noexcept(std::is_nothrow_default_constructible_v<Allocator>)
        requires std::default_initializable<Allocator>
    = default;
    constexpr explicit VectorCore(const Allocator& allocator) noexcept : allocator_(allocator) {}
    constexpr explicit VectorCore(Allocator&& allocator) noexcept
        : allocator_(std::move(allocator)) {}
    constexpr ~VectorCore() { release(); }

    [[nodiscard]] constexpr std::size_t maximum() const noexcept {
        constexpr std::size_t addressable = PTRDIFF_MAX / sizeof(T);
        const std::size_t allocatable = Traits::max_size(allocator_);
        return allocatable < addressable ? allocatable : addressable;
    }

    // --- blocks

    struct Block {
        T* data = nullptr;
        std::size_t capacity = 0;
    };

    /// `count` raw elements, exactly.
    constexpr Result<Block> new_block(OnFailure failure, std::size_t count) {
        if (count > maximum()) return too_long(failure, count);
        if (count == 0) return Block{};
        if constexpr (FallibleAllocator<Allocator>) {
            T* const data = allocator_.try_allocate(count);
            if (data != nullptr) return Block{data, count};
            if (failure == OnFailure::report) return std::unexpected(VectorError::out_of_memory);
        }
        return Block{Traits::allocate(allocator_, count), count};  // or whatever it does instead
    }

    constexpr std::unexpected<VectorError> too_long(OnFailure failure, std::size_t count) const {
        if (failure == OnFailure::panic) panic_vector_length(count, maximum());
        return std::unexpected(VectorError::too_long);
    }

    [[nodiscard]] constexpr bool resize_in_place(std::size_t count) {
        if constexpr (ResizingAllocator<Allocator>) {
            if !consteval {
                if (data_ != nullptr && allocator_.try_resize(data_, capacity_, count)) {
                    capacity_ = count;
                    return true;
                }
            }
        }
        return false;
    }

    /// Capacities double, from 32 bytes on.
    [[nodiscard]] constexpr std::size_t comfortable(std::size_t required) const noexcept {
        constexpr std::size_t smallest = sizeof(T) < 32 ? 32 / sizeof(T) : 1;
        if (capacity_ > maximum() / 2) return maximum();
        std::size_t result = capacity_ * 2;
        if (result < smallest) result = smallest;
        return result < required ? required : result;
    }

    /// Room for `extra` more elements: an empty Block where they now fit in place, else a new block
    /// that the elements have to move to. Near the end of memory, takes no more than it needs.
    constexpr Result<Block> make_room(OnFailure failure, std::size_t extra) {
        if (extra <= capacity_ - size_) return Block{};
        if (extra > maximum() - size_)
            return too_long(failure, checked_add(size_, extra).value_or(SIZE_MAX));
        const std::size_t required = size_ + extra;
        const std::size_t generous = comfortable(required);
        if (resize_in_place(generous)) return Block{};
        if constexpr (FallibleAllocator<Allocator>) {
            if (generous > required) {
                T* const data = allocator_.try_allocate(generous);
                if (data != nullptr) return Block{data, generous};
                if (resize_in_place(required)) return Block{};
                return new_block(failure, required);
            }
        }
        return new_block(failure, generous);
    }

    /// Takes `block` as the storage; the elements have left the old one.
    constexpr void adopt(Block block) {
        if (data_ != nullptr) Traits::deallocate(allocator_, data_, capacity_);
        data_ = block.data;
        capacity_ = block.capacity;
    }

    /// Moves the elements to `block`, leaving a gap of `count` at `index`.
    constexpr void move_to(Block block, std::size_t index, std::size_t count) {
        relocate_down(allocator_, data_, index, block.data);
        relocate_down(allocator_, data_ + index, size_ - index, block.data + index + count);
        adopt(block);
    }

    constexpr void release() {
        truncate(0);
        adopt(Block{});
    }

    constexpr void steal(VectorCore& other) noexcept {
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }

    constexpr Result<void> reserve_at_least(OnFailure failure, std::size_t count) {
        if (count <= capacity_ || (count <= maximum() && resize_in_place(count))) return {};
        const Result<Block> block = new_block(failure, count);
        if (!block) return std::unexpected(block.error());
        move_to(*block, size_, 0);
        return {};
    }

    /// Gives back what is not needed, where that takes no more memory than there is.
    constexpr void shrink() {
        if (size_ == capacity_) return;
        if (size_ == 0) return adopt(Block{});
        if (resize_in_place(size_)) return;
        Block block{nullptr, size_};
        if constexpr (FallibleAllocator<Allocator>) {
            block.data = allocator_.try_allocate(size_);
        } else {
            block.data = Traits::allocate(allocator_, size_);
        }
        if (block.data != nullptr) move_to(block, size_, 0);
    }

    // --- elements

    /// Reads as many copies of one value as one likes.
    struct Repeat {
        const T* value;
        constexpr const T& operator*() const { return *value; }
        constexpr Repeat& operator++() { return *this; }
    };

    /// A value on the stack, made and destroyed by the allocator's rules.
    class Temporary {
      public:
        template <class... Arguments>
        constexpr explicit Temporary(Allocator& allocator, Arguments&&... arguments)
            : allocator_(allocator) {
            Traits::construct(allocator_, std::addressof(value),
                              std::forward<Arguments>(arguments)...);
        }
        Temporary(const Temporary&) = delete;
        Temporary& operator=(const Temporary&) = delete;
        constexpr ~Temporary() { Traits::destroy(allocator_, std::addressof(value)); }

        union {
            T value;
        };

      private:
        Allocator& allocator_;
    };

    template <class... Arguments>
    constexpr void construct(T* at, Arguments&&... arguments) {
        Traits::construct(allocator_, at, std::forward<Arguments>(arguments)...);
    }

    /// Constructs `count` elements in raw storage from `*first`, `*++first` ...
    template <class Iterator>
    constexpr void construct_from(T* at, Iterator first, std::size_t count) {
        if constexpr (std::contiguous_iterator<Iterator> && std::is_trivially_copyable_v<T> &&
                      !ObservesElements<Allocator, T>) {
            if constexpr (std::is_same_v<std::iter_value_t<Iterator>, T>) {
                if !consteval {
                    if (count == 0) return;
                    std::memmove(static_cast<void*>(at), std::to_address(first), count * sizeof(T));
                    return;
                }
            }
        }
        for (std::size_t i = 0; i < count; ++i, ++first) {
            construct(at + i, *first);
        }
    }

    constexpr void truncate(std::size_t count) {
        destroy_elements(allocator_, data_ + count, size_ - count);
        size_ = count;
    }

    constexpr void erase_at(std::size_t index, std::size_t count) {
        if (count == 0) return;
        destroy_elements(allocator_, data_ + index, count);
        T* const gap = data_ + index;
        relocate_down(allocator_, gap + count, size_ - index - count, gap);
        size_ -= count;
    }

    template <class... Arguments>
    constexpr Result<T*> emplace_last(OnFailure failure, Arguments&&... arguments) {
        if (size_ == capacity_) [[unlikely]] {
            return emplace_at(failure, size_, std::forward<Arguments>(arguments)...);
        }
        construct(data_ + size_, std::forward<Arguments>(arguments)...);
        return data_ + size_++;
    }

    /// The arguments may refer to elements: they are used before any element moves.
    template <class... Arguments>
    constexpr Result<T*> emplace_at(OnFailure failure, std::size_t index,
                                    Arguments&&... arguments) {
        const Result<Block> room = make_room(failure, 1);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr) {
            construct(room->data + index, std::forward<Arguments>(arguments)...);
            move_to(*room, index, 1);
        } else if (index == size_) {
            construct(data_ + index, std::forward<Arguments>(arguments)...);
        } else {
            Temporary element(allocator_, std::forward<Arguments>(arguments)...);
            relocate_up(allocator_, data_ + index, size_ - index, data_ + index + 1);
            construct(data_ + index, std::move(element.value));
        }
        ++size_;
        return data_ + index;
    }

    template <class Iterator>
    constexpr T* insert_into(Block room, std::size_t index, Iterator first, std::size_t count) {
        if (room.data != nullptr) {
            construct_from(room.data + index, std::move(first), count);
            move_to(room, index, count);
        } else {
            if (count != 0) {
                relocate_up(allocator_, data_ + index, size_ - index, data_ + index + count);
            }
            construct_from(data_ + index, std::move(first), count);
        }
        size_ += count;
        return data_ + index;
    }

    template <class Iterator>
    constexpr Result<T*> insert_counted(OnFailure failure, std::size_t index, Iterator first,
                                        std::size_t count) {
        const Result<Block> room = make_room(failure, count);
        if (!room) return std::unexpected(room.error());
        return insert_into(*room, index, std::move(first), count);
    }

    /// `value` may be an element.
    constexpr Result<T*> insert_copies(OnFailure failure, std::size_t index, std::size_t count,
                                       const T& value) {
        const Result<Block> room = make_room(failure, count);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr || index == size_) {
            return insert_into(*room, index, Repeat{std::addressof(value)}, count);
        }
        const Temporary copy(allocator_, value);
        return insert_into(*room, index, Repeat{std::addressof(copy.value)}, count);
    }

    constexpr Result<void> append_defaults(OnFailure failure, std::size_t count) {
        const Result<Block> room = make_room(failure, count);
        if (!room) return std::unexpected(room.error());
        if (room->data != nullptr) move_to(*room, size_, 0);
        for (; count > 0; --count) {
            construct(data_ + size_);
            ++size_;
        }
        return {};
    }

    template <class Iterator>
    constexpr Result<void> assign_counted(OnFailure failure, Iterator first, std::size_t count) {
        if (count > capacity_) {
            const Result<Block> block = new_block(failure, count);
            if (!block) return std::unexpected(block.error());
            construct_from(block->data, std::move(first), count);
            truncate(0);
            adopt(*block);
            size_ = count;
            return {};
        }
        std::size_t i = 0;
        for (; i < size_ && i < count; ++i, ++first) {
            data_[i] = *first;
        }
        if (count < size_) {
            truncate(count);
        } else {
            construct_from(data_ + size_, std::move(first), count - size_);
            size_ = count;
        }
        return {};
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    [[no_unique_address]] Allocator allocator_{};
};

}  // namespace cairn
