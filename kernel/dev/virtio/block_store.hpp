// SPDX-License-Identifier: MIT
// What a block device's blocks are kept in. All ranges that it is asked for lie within its size.
// No locking: the device that it belongs to is locked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cairn {

class BlockStore {
  public:
    /// In bytes: whole sectors.
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    [[nodiscard]] virtual bool is_read_only() const = 0;
    /// Up to 20 bytes by which a guest can tell it from others.
    [[nodiscard]] virtual std::string_view id() const = 0;

    virtual void read(std::uint64_t offset, std::span<std::byte> to) = 0;
    // Not where it is read-only. False where there is no room for what is written.
    [[nodiscard]] virtual bool write(std::uint64_t offset, std::span<const std::byte> from) = 0;
    [[nodiscard]] virtual bool zero(std::uint64_t offset, std::uint64_t size) = 0;

  protected:
    ~BlockStore() = default;
};

}  // namespace cairn
