// SPDX-License-Identifier: MIT
// The registers of one of the machine's virtio-mmio slots, as its driver reaches them; a test has
// its own.
#pragma once

#include <cstdint>

#include "kernel/arch/devices/virtio_mmio_registers.hpp"

namespace cairn {

class VirtioRegisters {
  public:
    [[nodiscard]] virtual std::uint32_t read(virtio_mmio::Register which) = 0;
    virtual void write(virtio_mmio::Register which, std::uint32_t value) = 0;
    /// Byte `at` of the device's configuration.
    [[nodiscard]] virtual std::uint8_t read_config(std::uint64_t at) = 0;

  protected:
    ~VirtioRegisters() = default;
};

}  // namespace cairn
