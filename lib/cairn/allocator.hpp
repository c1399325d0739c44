// SPDX-License-Identifier: MIT
// Allocators in the standard library's shape, for containers.
//
//   cairn::allocator<T>               the program's heap, through the global operator new
//   cairn::allocator_ref<T, Source>   one particular ByteAllocator, which it borrows and must not
//                                     outlive: a bump allocator, an arena, a quota on a heap ...
//
// Beyond std::allocator's interface: `try_allocate` returns nullptr where `allocate` panics, and
// `try_resize` grows or shrinks a block where it lies. In constant evaluation both use the
// compiler's own memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>

#include "cairn/layout.hpp"

namespace cairn {

/// The bytes of `count` objects of T, or nothing where no object can be that large.
template <class T>
[[nodiscard]] constexpr std::optional<std::size_t> array_bytes(std::size_t count) {
    if (count > PTRDIFF_MAX / sizeof(T)) return std::nullopt;
    return count * sizeof(T);
}

/// Changes a block of operator new's from `old_size` to `new_size` bytes where it lies, if that
/// can be done. Hosted programs that keep their own operator new link a version that never can
/// (lib/cairn/hosted/host_heap.cpp).
[[nodiscard]] bool resize_in_place(void* block, std::size_t old_size,
                                   std::size_t new_size) noexcept;

/// Where `allocate` ends when it has nothing to return.
[[noreturn]] void panic_no_storage(std::size_t count, std::size_t object_size);

template <class T>
class allocator {
  public:
    using value_type = T;
    using is_always_equal = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;

    constexpr allocator() = default;
    template <class U>
    constexpr allocator(const allocator<U>& /*other*/) noexcept {}  // NOLINT: implicit, as in std

    /// Storage for `count` objects; panics when there is none.
    [[nodiscard]] constexpr T* allocate(std::size_t count) {
        T* const block = try_allocate(count);
        if (block == nullptr) [[unlikely]]
            panic_no_storage(count, sizeof(T));
        return block;
    }

    /// As above; nullptr when there is none.
    [[nodiscard]] constexpr T* try_allocate(std::size_t count) noexcept {
        if consteval {
            return std::allocator<T>().allocate(count);
        } else {
            const auto bytes = array_bytes<T>(count);
            if (!bytes) return nullptr;
            if constexpr (over_aligned) {
                return static_cast<T*>(
                    ::operator new(*bytes, std::align_val_t{alignof(T)}, std::nothrow));
            } else {
                return static_cast<T*>(::operator new(*bytes, std::nothrow));
            }
        }
    }

    constexpr void deallocate(T* block, std::size_t count) noexcept {
        if consteval {
            std::allocator<T>().deallocate(block, count);
        } else {
            if constexpr (over_aligned) {
                ::operator delete(block, count * sizeof(T), std::align_val_t{alignof(T)});
            } else {
                ::operator delete(block, count * sizeof(T));
            }
        }
    }

    /// Makes a block of `old_count` objects' storage one of `new_count` in place; false (and
    /// nothing changed) where that cannot be done.
    [[nodiscard]] constexpr bool try_resize(T* block, std::size_t old_count,
                                            std::size_t new_count) noexcept {
        if consteval {
            return false;
        } else {
            const auto bytes = array_bytes<T>(new_count);
            return bytes && resize_in_place(block, old_count * sizeof(T), *bytes);
        }
    }

    template <class U>
    constexpr bool operator==(const allocator<U>& /*other*/) const noexcept {
        return true;
    }

  private:
    static constexpr bool over_aligned = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
};

template <class T, ByteAllocator Source>
class allocator_ref {
  public:
    using value_type = T;
    using is_always_equal = std::false_type;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    constexpr allocator_ref(Source& source) noexcept : source_(&source) {}  // NOLINT: implicit
    template <class U>
    constexpr allocator_ref(const allocator_ref<U, Source>& other) noexcept  // NOLINT: implicit
        : source_(&other.source()) {}

    [[nodiscard]] constexpr T* allocate(std::size_t count) {
        T* const block = try_allocate(count);
        if (block == nullptr) [[unlikely]]
            panic_no_storage(count, sizeof(T));
        return block;
    }

    [[nodiscard]] constexpr T* try_allocate(std::size_t count) noexcept {
        if consteval {
            return std::allocator<T>().allocate(count);
        } else {
            const auto bytes = array_bytes<T>(count);
            if (!bytes) return nullptr;
            return reinterpret_cast<T*>(source_->allocate({*bytes, alignof(T)}).value_or(nullptr));
        }
    }

    constexpr void deallocate(T* block, std::size_t count) noexcept {
        if consteval {
            std::allocator<T>().deallocate(block, count);
        } else {
            source_->deallocate(reinterpret_cast<std::byte*>(block), layout(count));
        }
    }

    [[nodiscard]] constexpr bool try_resize(T* block, std::size_t old_count,
                                            std::size_t new_count) noexcept {
        if consteval {
            return false;
        } else {
            const auto bytes = array_bytes<T>(new_count);
            return bytes && source_->try_resize(reinterpret_cast<std::byte*>(block),
                                                layout(old_count), *bytes);
        }
    }

    [[nodiscard]] constexpr Source& source() const noexcept { return *source_; }

    template <class U>
    constexpr bool operator==(const allocator_ref<U, Source>& other) const noexcept {
        return source_ == &other.source();
    }

  private:
    /// Of a block that was allocated, so that nothing wraps.
    static constexpr Layout layout(std::size_t count) { return {count * sizeof(T), alignof(T)}; }

    Source* source_;
};

}  // namespace cairn
