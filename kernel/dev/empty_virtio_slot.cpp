// SPDX-License-Identifier: MIT
#include "kernel/dev/empty_virtio_slot.hpp"

#include "kernel/arch/devices/virtio_mmio_registers.hpp"

namespace cairn {
namespace {

using virtio_mmio::Register;

std::uint32_t register_at(std::uint64_t offset) {
    switch (static_cast<Register>(offset)) {
        case Register::magic_value: return virtio_mmio::magic;
        case Register::version: return virtio_mmio::legacy_version;
        case Register::device_id: return virtio_mmio::no_device;
        case Register::vendor_id: return virtio_mmio::qemu_vendor;
        default: return 0;
    }
}

}  // namespace

std::expected<std::uint64_t, BusError> EmptyVirtioSlot::read(std::uint64_t offset,
                                                             AccessWidth width) {
    if (offset >= virtio_mmio::block_size) return std::unexpected(BusError::unmapped);
    const std::uint64_t low = register_at(offset);
    switch (width) {
        case AccessWidth::byte: return low & 0xff;
        case AccessWidth::half: return low & 0xffff;
        case AccessWidth::word: return low;
        case AccessWidth::dword: return low | std::uint64_t{register_at(offset + 4)} << 32;
    }
    return std::unexpected(BusError::width);
}

std::expected<void, BusError> EmptyVirtioSlot::write(std::uint64_t offset, AccessWidth,
                                                     std::uint64_t) {
    if (offset >= virtio_mmio::block_size) return std::unexpected(BusError::unmapped);
    return {};
}

}  // namespace cairn
