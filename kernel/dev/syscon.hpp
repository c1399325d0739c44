// SPDX-License-Identifier: MIT
// The power device of QEMU's `virt` ("sifive,test0", also bound as "syscon"): one write-only word
// by which a guest ends itself or asks for a reset. It keeps no state; what happens then is the
// decision of whoever hears the events.
//
// Read and write behaviour: QEMU docs/system/riscv/virt.rst, "SiFive test" and
// hw/misc/sifive_test.c as seen from outside. Accesses of 16 and 32 bits, as there; other words
// than these are ignored.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn {

/// What a guest writes: the command in bits 15:0, an exit code in bits 31:16 for `fail`.
enum class SysconCommand : std::uint16_t {
    fail = 0x3333,   ///< power off, the guest failed with the code
    pass = 0x5555,   ///< power off, all is well
    reset = 0x7777,  ///< start again
};

class PowerEvents {
  public:
    /// The guest switched itself off; `code` is 0 unless it `failed`.
    virtual void power_off(bool failed, std::uint16_t code) = 0;
    /// The guest asked to be started again.
    virtual void reset() = 0;

  protected:
    ~PowerEvents() = default;
};

class Syscon final : public MmioDevice {
  public:
    static constexpr std::uint64_t block_size = 0x1000;
    static constexpr DeviceKind kind{.name = "power device",
                                     .node = "test",
                                     .compatible = {"sifive,test1", "sifive,test0", "syscon"}};

    explicit Syscon(PowerEvents& events) : events_(events) {}
    Syscon(const Syscon&) = delete;
    Syscon& operator=(const Syscon&) = delete;

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;

    void describe(FdtWriter& node, const TreePhandles& handles) const override;
    /// The nodes by which kernels find what to write here (bindings "syscon-poweroff" and
    /// "syscon-reboot").
    void describe_uses(FdtWriter& root, const TreePhandles& handles) const override;

  private:
    PowerEvents& events_;
};

}  // namespace cairn
