// SPDX-License-Identifier: MIT
// A VM with a scripted device, and the guest's instruction at pc that has just faulted on it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

namespace cairn::test {

/// funct3: LB LH LW LD LBU LHU LWU. rs1 is x13.
constexpr std::uint32_t load(unsigned funct3, unsigned rd) {
    return 13u << 15 | funct3 << 12 | rd << 7 | 0x03;
}
/// funct3: SB SH SW SD. rs1 is x13.
constexpr std::uint32_t store(unsigned funct3, unsigned rs2) {
    return rs2 << 20 | 13u << 15 | funct3 << 12 | 0x23;
}
/// A 32-bit load or store as htinst holds it: no immediate, `offset` in the place of rs1.
constexpr std::uint64_t transformed(std::uint32_t instruction, unsigned offset = 0) {
    return (instruction & ~(31u << 15)) | offset << 15;
}
/// The same for one that the compressed instruction at pc stands for: bit 1 is clear.
constexpr std::uint64_t transformed_compressed(std::uint32_t instruction, unsigned offset = 0) {
    return transformed(instruction, offset) & ~std::uint64_t{2};
}

class ScriptedDevice final : public MmioDevice {
  public:
    struct Access {
        bool is_store;
        std::uint64_t offset;
        AccessWidth width;
        std::uint64_t value;
        bool operator==(const Access&) const = default;
    };

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override {
        log.push_back({false, offset, width, 0});
        if (refuse) return std::unexpected(BusError::width);
        return width == AccessWidth::dword
                   ? answer
                   : answer & ((1ull << 8 * static_cast<unsigned>(width)) - 1);
    }
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override {
        log.push_back({true, offset, width, value});
        if (refuse) return std::unexpected(BusError::width);
        return {};
    }

    std::uint64_t answer = 0;
    bool refuse = false;
    std::vector<Access> log;
};

class MmioBench : public GuestBench {
  public:
    static constexpr std::uint64_t device_base = 0x2000'0000;
    static constexpr std::uint64_t device_size = 0x1000;
    /// Where the guest has mapped the device; only the offset in the page is the same.
    static constexpr std::uint64_t window = 0xffff'ffc0'1234'0000;

    MmioBench() {
        REQUIRE(vm.bus().attach({GuestPhys{device_base}, device_size}, device));
        for (std::size_t i = 1; i < 32; ++i)
            x()[i] = 0xabcd'0000 + i;
    }

    void place16(std::uint16_t instruction) { fake_hart.instructions[pc()] = instruction; }
    void place32(std::uint32_t instruction) {
        fake_hart.instructions[pc()] = static_cast<std::uint16_t>(instruction);
        fake_hart.instructions[pc() + 2] = static_cast<std::uint16_t>(instruction >> 16);
    }

    /// The access of the instruction at pc to guest physical address `at` has faulted.
    void fault_at(ExitKind kind, std::uint64_t at, std::uint64_t htinst = 0) {
        before_ = x();
        stval_ = window + at % 0x1000;
        handle_memory_fault(vm, vcpu(), kind,
                            {.scause = 0, .stval = stval_, .htval = at >> 2, .htinst = htinst});
    }
    void fault(ExitKind kind, std::uint64_t offset, std::uint64_t htinst = 0) {
        fault_at(kind, device_base + offset, htinst);
    }

    /// The device has seen `accesses`, and the guest goes on behind the instruction.
    void check_done(const std::vector<ScriptedDevice::Access>& accesses, unsigned length) {
        CHECK(device.log == accesses);
        CHECK(pc() == entry + length);
        CHECK(csr_read<Csr::vscause>() == 0);
        CHECK(!vm.stopped());
    }

    /// Nothing has happened but a trap of the instruction at `entry`, whose handler comes next.
    void check_trapped(Exception exception, std::uint64_t trap_value) {
        CHECK(csr_read<Csr::vscause>() == static_cast<std::uint64_t>(exception));
        CHECK(csr_read<Csr::vstval>() == trap_value);
        CHECK(csr_read<Csr::vsepc>() == entry);
        CHECK(pc() == handler);
        CHECK(x() == before_);
        CHECK(device.log.empty());
        CHECK(!vm.stopped());
    }
    /// The same with the faulting address in stval.
    void check_faulted(Exception exception) { check_trapped(exception, stval_); }

    ScriptedDevice device;

  private:
    Registers before_{};
    std::uint64_t stval_ = 0;
};

}  // namespace cairn::test
