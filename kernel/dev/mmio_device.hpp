// SPDX-License-Identifier: MIT
// What an emulated device is to the bus: a block of registers that is read and written. Devices are
// pure: they see guest memory and interrupt lines only through interfaces, and own no locks.
#pragma once

#include <cstdint>
#include <expected>

namespace cairn {

/// Width of one access in bytes.
enum class AccessWidth : std::uint8_t { byte = 1, half = 2, word = 4, dword = 8 };

/// Why an access reached no register; the guest gets an access fault.
enum class BusError : std::uint8_t {
    unmapped,   ///< no device claims the address
    width,      ///< the device has no access of this width there
    straddles,  ///< the access leaves the device's block
};

class MmioDevice {
  public:
    /// Reads `width` bytes at `offset` bytes into the block; the value is zero-extended.
    virtual std::expected<std::uint64_t, BusError> read(std::uint64_t offset,
                                                        AccessWidth width) = 0;
    /// Writes the low `width` bytes of `value` at `offset` bytes into the block.
    virtual std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                                std::uint64_t value) = 0;

  protected:
    ~MmioDevice() = default;
};

}  // namespace cairn
