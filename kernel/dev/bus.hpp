// SPDX-License-Identifier: MIT
// A guest's MMIO bus: which device answers at which guest-physical address.
//
// Invariant: blocks are sorted by address and disjoint. Only naturally aligned accesses that lie
// within one block reach a device; what crosses the end of a block is refused (`straddles`), and a
// misaligned one has no width that a register could have (`width`). Both become an access fault,
// which is what RISC-V prescribes for misaligned accesses to I/O regions.
//
// Devices are borrowed and outlive the bus. Attach everything first; from then on look-ups change
// nothing but a hint and need no lock. Devices bring no locks either: who calls guards them.
#pragma once

#include <array>
#include <atomic>
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
  public:
    static constexpr std::size_t max_devices = 32;

    Bus() = default;
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    /// Gives the addresses of `block` to `device`. Refused attachments change nothing.
    [[nodiscard]] std::expected<void, AttachError> attach(GuestRange block, MmioDevice& device);

    /// The value of `width` bytes at `at`, zero-extended.
    [[nodiscard]] std::expected<std::uint64_t, BusError> read(GuestPhys at, AccessWidth width);

    /// Writes the low `width` bytes of `value` at `at`.
    [[nodiscard]] std::expected<void, BusError> write(GuestPhys at, AccessWidth width,
                                                      std::uint64_t value);

    [[nodiscard]] std::size_t size() const { return count_; }

  private:
    struct Attachment {
        GuestRange block{};
        MmioDevice* device = nullptr;
    };

    static bool precedes(GuestRange block, const Attachment& other);
    /// The attachment that takes this access, or why none does.
    std::expected<const Attachment*, BusError> route(GuestPhys at, AccessWidth width);
    const Attachment* find(GuestPhys at);

    std::array<Attachment, max_devices> attachments_{};
    std::uint32_t count_ = 0;
    /// A hint only, checked at each use: guests poll one device at a time.
    std::atomic<const Attachment*> last_hit_ = attachments_.data();
};

}  // namespace cairn
