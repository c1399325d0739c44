// SPDX-License-Identifier: MIT
// The firmware's memory map (UEFI Specification 2.10, section 7.2.3), and what of it is free for a
// kernel once Boot Services have ended:
//
//     conventional, Boot Services' code and data, a loader's code and data    free, less our own
//     runtime services, reserved, ACPI, devices, unusable, specific-purpose   left alone
#pragma once

#include "kernel/host/boot/door.hpp"
#include "kernel/uefi/failure.hpp"
#include "kernel/uefi/firmware.hpp"

namespace cairn::uefi {

class FirmwareMemoryMap {
  public:
    /// Asks for the map until a buffer was large enough: making the buffer changes the map.
    [[nodiscard]] static Result<FirmwareMemoryMap> take(Firmware firmware);

    [[nodiscard]] std::size_t size() const { return used_ / descriptor_size_; }
    /// A copy: later firmware may have longer descriptors than we know.
    [[nodiscard]] MemoryDescriptor operator[](std::size_t index) const;
    /// What proves to exit_boot_services that the map is of now.
    [[nodiscard]] std::size_t key() const { return key_; }
    /// Leaves the buffer where it is, for when there is no firmware to give it back to.
    void release() { buffer_.release(); }

  private:
    explicit FirmwareMemoryMap(PoolBuffer buffer) : buffer_(std::move(buffer)) {}

    PoolBuffer buffer_;
    std::size_t used_ = 0;
    std::size_t descriptor_size_ = sizeof(MemoryDescriptor);
    std::size_t key_ = 0;
};

[[nodiscard]] bool is_free_after_boot_services(const MemoryDescriptor& descriptor);

/// All that is free, in order, neighbours joined.
[[nodiscard]] Outcome<DoorMemory> free_memory(const FirmwareMemoryMap& map);

/// Leaves Boot Services, and returns what was free then. Where the map changes between the two
/// calls (a timer of the firmware's allocates), both are made again, as section 7.4.6 asks.
[[nodiscard]] Outcome<DoorMemory> leave_boot_services(Firmware firmware, Handle image);

}  // namespace cairn::uefi
