// SPDX-License-Identifier: MIT
// Room for N elements inside an object, in which a container makes and destroys them. Elements that
// are plain values may be copied with it, and used in constant evaluation, where all of them are
// there from the start; else nothing is written before they are made. No public interface.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace cairn {

template <class T>
concept PlainValue = std::is_trivially_copyable_v<T> && std::default_initializable<T>;

template <class T, std::size_t N>
class InplaceStorage {
  public:
    [[nodiscard]] T* data() noexcept { return std::launder(reinterpret_cast<T*>(bytes_)); }
    [[nodiscard]] const T* data() const noexcept {
        return std::launder(reinterpret_cast<const T*>(bytes_));
    }

  private:
    alignas(T) std::byte bytes_[N * sizeof(T)];
};

template <PlainValue T, std::size_t N>
class InplaceStorage<T, N> {
  public:
    constexpr InplaceStorage() noexcept {
        if consteval {
            std::construct_at(&items_);
        }
    }
    [[nodiscard]] constexpr T* data() noexcept { return items_.data(); }
    [[nodiscard]] constexpr const T* data() const noexcept { return items_.data(); }

  private:
    union {
        std::array<T, N> items_;
    };
};

}  // namespace cairn
