// SPDX-License-Identifier: MIT
// A virtio-mmio slot without a device, as QEMU's `virt` has eight of (hw/virtio/virtio-mmio.c): the
// magic value, version 1, QEMU's vendor, and device 0, which means none; all else reads as 0 and
// takes no writes. So a kernel that probes the slots finds them, and nothing in them.
//
// It has no state: one answers for any number of slots.
#pragma once

#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn {

class EmptyVirtioSlot final : public MmioDevice {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio slot", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    EmptyVirtioSlot() = default;
    EmptyVirtioSlot(const EmptyVirtioSlot&) = delete;
    EmptyVirtioSlot& operator=(const EmptyVirtioSlot&) = delete;

    /// Any width, as in QEMU: narrow reads see the low bytes of a register at its offset alone.
    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;
};

}  // namespace cairn
