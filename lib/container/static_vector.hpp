// SPDX-License-Identifier: MIT
// A sequence of at most N values inside the object: for tables read from input, whose capacity is a
// stated limit. Nothing is allocated; a full one refuses. Elements are trivially destructible, so
// copies are copies of the array. No locking.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

namespace cairn {

template <class T, std::size_t N>
    requires std::is_trivially_destructible_v<T>
class StaticVector {
  public:
    using value_type = T;

    [[nodiscard]] static constexpr std::size_t capacity() { return N; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }

    /// False where it is full.
    [[nodiscard]] constexpr bool try_push_back(const T& value) {
        if (size_ == N) return false;
        items_[size_++] = value;
        return true;
    }
    constexpr void clear() { size_ = 0; }

    [[nodiscard]] constexpr T& operator[](std::size_t index) { return items_[index]; }
    [[nodiscard]] constexpr const T& operator[](std::size_t index) const { return items_[index]; }
    [[nodiscard]] constexpr T* begin() { return items_.data(); }
    [[nodiscard]] constexpr T* end() { return items_.data() + size_; }
    [[nodiscard]] constexpr const T* begin() const { return items_.data(); }
    [[nodiscard]] constexpr const T* end() const { return items_.data() + size_; }

  private:
    std::array<T, N> items_{};
    std::size_t size_ = 0;
};

}  // namespace cairn
