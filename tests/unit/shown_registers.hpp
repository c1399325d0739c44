// SPDX-License-Identifier: MIT
// The page of a virtio device's registers that its guest reads in memory.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/arch/devices/virtio_mmio_registers.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn::test {

class ShownRegisters {
  public:
    /// `device`, which outlives it, keeps the page in step from now on.
    explicit ShownRegisters(MmioDevice& device) : device_(device) {
        device.show_page(0, RegisterPage(words_.data()));
    }
    ShownRegisters(const ShownRegisters&) = delete;
    ShownRegisters& operator=(const ShownRegisters&) = delete;
    ~ShownRegisters() { device_.show_page(0, RegisterPage()); }

    /// Whether each word is what an exit would give, and the rest of the page is zeros.
    [[nodiscard]] bool are_in_step() const {
        for (std::uint64_t at = 0; at < RegisterPage::bytes; at += 4) {
            const bool is_there = at < virtio_mmio::block_size;
            if (words_[at / 4] != (is_there ? device_.read(at, AccessWidth::word).value() : 0))
                return false;
        }
        return true;
    }

  private:
    MmioDevice& device_;
    std::array<std::uint32_t, RegisterPage::bytes / 4> words_{};
};

}  // namespace cairn::test
