// SPDX-License-Identifier: MIT
// A first-in first-out queue of at most `Capacity` elements in place: no allocation, usable in
// constant evaluation. A full ring refuses and never overwrites. Slots that hold no element keep
// some former value, so T is a plain value (default-constructible, copyable). No lock.
//
//      head_ counts every pop, tail_ every push; both wrap at 2^64 and index modulo Capacity
//      [ . . a b c . . . ]        size() = tail_ - head_
//            ^head   ^tail
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

namespace cairn {

template <std::regular T, std::size_t Capacity>
    requires(std::has_single_bit(Capacity))
class RingBuffer {
  public:
    using value_type = T;

    [[nodiscard]] static constexpr std::size_t capacity() { return Capacity; }
    [[nodiscard]] constexpr std::size_t size() const { return tail_ - head_; }
    [[nodiscard]] constexpr std::size_t free() const { return Capacity - size(); }
    [[nodiscard]] constexpr bool empty() const { return head_ == tail_; }
    [[nodiscard]] constexpr bool full() const { return size() == Capacity; }

    /// Appends `element`; false, and nothing changes, when the ring is full.
    [[nodiscard]] constexpr bool push(const T& element) {
        if (full()) return false;
        slots_[tail_++ % Capacity] = element;
        return true;
    }

    /// Appends as many of `elements` as fit, from the first on; how many that was.
    [[nodiscard]] constexpr std::size_t push(std::span<const T> elements) {
        const std::size_t count = std::min(elements.size(), free());
        const std::size_t start = tail_ % Capacity;
        const std::size_t first = std::min(count, Capacity - start);
        std::copy_n(elements.begin(), first, slots_.begin() + offset(start));
        std::copy_n(elements.begin() + offset(first), count - first, slots_.begin());
        tail_ += count;
        return count;
    }

    /// The oldest element, which stays; nothing when the ring is empty.
    [[nodiscard]] constexpr std::optional<T> peek() const {
        if (empty()) return std::nullopt;
        return slots_[head_ % Capacity];
    }

    /// Takes the oldest element out; nothing when the ring is empty.
    [[nodiscard]] constexpr std::optional<T> pop() {
        if (empty()) return std::nullopt;
        return slots_[head_++ % Capacity];
    }

    /// Takes the oldest elements out into `into`, as many as there are and fit; how many that was.
    [[nodiscard]] constexpr std::size_t pop(std::span<T> into) {
        const std::size_t count = std::min(into.size(), size());
        const std::size_t start = head_ % Capacity;
        const std::size_t first = std::min(count, Capacity - start);
        std::copy_n(slots_.begin() + offset(start), first, into.begin());
        std::copy_n(slots_.begin(), count - first, into.begin() + offset(first));
        head_ += count;
        return count;
    }

    constexpr void clear() { head_ = tail_; }

  private:
    static constexpr std::ptrdiff_t offset(std::size_t index) {
        return static_cast<std::ptrdiff_t>(index);
    }

    std::array<T, Capacity> slots_{};
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
};

}  // namespace cairn
