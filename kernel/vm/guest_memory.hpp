// SPDX-License-Identifier: MIT
// A guest's RAM: the one place where a guest's physical address becomes bytes of ours. Every access
// is checked against the ends without wrapping, so any 64-bit address and size may be asked for.
// Borrows the bytes. No locking: the guest's harts write the same memory at any time, so whoever
// reads a value twice may see two values; copy first, then check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <type_traits>

#include "kernel/arch/address.hpp"

namespace cairn {

enum class GuestMemoryError : std::uint8_t {
    out_of_range,  ///< some byte asked for is not RAM
};

class GuestMemory {
  public:
    /// RAM at `base` backed by `bytes`; `base + bytes.size()` does not wrap.
    constexpr GuestMemory(GuestPhys base, std::span<std::byte> bytes)
        : base_(base), bytes_(bytes) {}

    [[nodiscard]] constexpr GuestRange range() const { return {base_, bytes_.size()}; }

    /// The `size` bytes at `at`; an empty span is fine up to and including the end of RAM.
    [[nodiscard]] std::expected<std::span<std::byte>, GuestMemoryError> bytes(
        GuestPhys at, std::uint64_t size) const;

    /// Copies `from` into the guest at `to`; all of it or nothing.
    [[nodiscard]] std::expected<void, GuestMemoryError> copy_in(
        GuestPhys to, std::span<const std::byte> from) const;
    /// Copies from the guest at `from` into `to`; all of it or nothing.
    [[nodiscard]] std::expected<void, GuestMemoryError> copy_out(GuestPhys from,
                                                                 std::span<std::byte> to) const;
    /// Sets `size` bytes at `at` to `value`.
    [[nodiscard]] std::expected<void, GuestMemoryError> fill(GuestPhys at, std::uint64_t size,
                                                             std::byte value) const;

    /// The T at `at`, aligned or not, in the guest's (little-endian) byte order.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::expected<T, GuestMemoryError> load(GuestPhys at) const {
        T value{};
        if (const auto copied = copy_out(at, std::as_writable_bytes(std::span(&value, 1)));
            !copied) {
            return std::unexpected(copied.error());
        }
        return value;
    }
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::expected<void, GuestMemoryError> store(GuestPhys at, const T& value) const {
        return copy_in(at, std::as_bytes(std::span(&value, 1)));
    }

  private:
    GuestPhys base_;
    std::span<std::byte> bytes_;
};

}  // namespace cairn
