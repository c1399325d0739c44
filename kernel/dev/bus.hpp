// SPDX-License-Identifier: MIT
// A guest's MMIO bus: which device answers at which guest-physical address.
//
// Invariant: blocks are sorted by address and disjoint. Only naturally aligned accesses that lie
// within one block reach a device; what crosses the end of a block is refused (`straddles`), and a
// misaligned one has no width that a register could have (`width`). Both become an access fault,
// which is what RISC-V prescribes for misaligned accesses to I/O regions.
//
// Devices are borrowed and outlive the bus. Attach everything first; from then on look-ups change
// nothing and need no lock. Devices bring no locks either: who calls guards them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn {

/// Why a block could not be attached.
enum class AttachError : std::uint8_t {
    empty,     ///< the block has no bytes
    wraps,     ///< the block passes the end of the address space
    overlaps,  ///< part of the block belongs to a device already
    full,      ///< the bus has all the devices it has room for
};

[[nodiscard]] std::string_view to_string(AttachError error);
[[nodiscard]] std::string_view to_string(BusError error);

class Bus {
    struct Attachment {
        GuestRange block;
        MmioDevice* device;
    };

  public:
    static constexpr std::size_t max_devices = 32;

    /// Which device took an access of some width, so that the next one of that width need not be
    /// looked up. A hint costs nothing but time where it is wrong: who has one asks first whether
    /// it holds. It outlives no bus, and a new one holds for nothing.
    class Hint {
      public:
        constexpr Hint() = default;

        /// Whether the device takes bytes at `at`, as many as the hint was found for, if they are
        /// aligned, as `find` would say.
        [[nodiscard]] bool holds(GuestPhys at) const { return offset(at) < places_; }
        [[nodiscard]] MmioDevice& device() const { return *device_; }
        /// How far into the device's block `at` is.
        [[nodiscard]] std::uint64_t offset(GuestPhys at) const { return at - base_; }

      private:
        friend Bus;
        /// The block has `bytes` bytes at least. What lies beyond 4 GiB in it has to be looked up.
        constexpr Hint(const Attachment& last, std::uint64_t bytes)
            : base_(last.block.base),
              device_(last.device),
              places_(static_cast<std::uint32_t>(
                  std::min<std::uint64_t>(last.block.size - bytes + 1, UINT32_MAX))) {}

        GuestPhys base_{};
        MmioDevice* device_ = nullptr;
        std::uint32_t places_ = 0;  ///< offsets at which an access of the width can begin
    };

    Bus() = default;
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    /// Gives the addresses of `block` to `device`. Refused attachments change nothing.
    [[nodiscard]] std::expected<void, AttachError> attach(GuestRange block, MmioDevice& device);

    /// The value of `width` bytes at `at`, zero-extended.
    [[nodiscard]] std::expected<std::uint64_t, BusError> read(GuestPhys at,
                                                              AccessWidth width) const;

    /// Writes the low `width` bytes of `value` at `at`.
    [[nodiscard]] std::expected<void, BusError> write(GuestPhys at, AccessWidth width,
                                                      std::uint64_t value) const;

    /// Whom `width` bytes at `at` reach, or why nobody.
    [[nodiscard]] std::expected<Hint, BusError> find(GuestPhys at, AccessWidth width) const;
    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    static bool precedes(GuestRange block, const Attachment& other);

    std::array<Attachment, max_devices> attachments_{};
    std::uint32_t count_ = 0;
};

}  // namespace cairn
