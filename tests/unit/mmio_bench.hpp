// SPDX-License-Identifier: MIT
// A VM with a scripted device, and the guest's instruction at pc that has just faulted on it.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "kernel/arch/isa/access_address.hpp"
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
        if (refuse) return std::unexpected(*refuse);
        return width == AccessWidth::dword
                   ? answer
                   : answer & ((1ull << 8 * static_cast<unsigned>(width)) - 1);
    }
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override {
        log.push_back({true, offset, width, value});
        if (refuse) return std::unexpected(*refuse);
        return {};
    }

    [[nodiscard]] bool shows_page(std::uint64_t page) const override { return page == shows; }
    void show_page(std::uint64_t page, RegisterPage shown) override {
        CHECK(page == shows);
        shown.put(0x20, 0x1234);
        times_shown += shown ? 1 : 0;
        times_hidden += shown ? 0 : 1;
    }

    std::uint64_t answer = 0;
    std::optional<std::uint64_t> shows;  ///< the page that can be
    unsigned times_shown = 0;
    unsigned times_hidden = 0;
    std::optional<BusError> refuse;
    std::vector<Access> log;
};

class MmioBench : public GuestBench {
  public:
    static constexpr std::uint64_t device_base = 0x2000'0000;
    static constexpr std::uint64_t device_size = 0x3000;
    /// Where the guest has mapped the device; only the offset in the page is the same.
    static constexpr std::uint64_t window = 0xffff'ffc0'1234'0000;

    explicit MmioBench(const GuestFeatures& features = {}, RamBacking* backing = nullptr)
        : GuestBench(features, 1, backing) {
        REQUIRE(vm.bus().attach({GuestPhys{device_base}, device_size}, device));
        for (std::size_t i = 1; i < 32; ++i)
            x()[i] = 0xabcd'0000 + i;
    }

    void place16(std::uint16_t instruction) { instructions_[pc()] = instruction; }
    void place32(std::uint32_t instruction) {
        instructions_[pc()] = static_cast<std::uint16_t>(instruction);
        instructions_[pc() + 2] = static_cast<std::uint16_t>(instruction >> 16);
    }

    /// Lets the access of the instruction at pc begin at virtual address `first`.
    void begin_at(std::uint64_t first) {
        const auto [fetched, fault_address] = fetch();
        const AccessAddress address = decode_access_address(static_cast<std::uint32_t>(fetched));
        if (address.base != 0) x()[address.base] += first - address.in(x());
    }
    /// The access of the instruction at pc to guest physical address `at` has faulted.
    Resumption fault_at(Exception cause, std::uint64_t at, std::uint64_t htinst = 0) {
        stval_ = window + at % 0x1000;
        begin_at(stval_);
        return trap(cause, at, htinst);
    }
    /// The access begins `before` bytes before a page at `at`, on another one, and faults there.
    Resumption fault_across(Exception cause, std::uint64_t before, std::uint64_t at,
                            std::uint64_t htinst = 0) {
        stval_ = window + at % 0x1000;
        begin_at(stval_ - before);
        return trap(cause, at, htinst);
    }
    /// The walk of the guest's own page table has read from `offset`, for an access elsewhere.
    Resumption walk_fault(Exception cause, std::uint64_t offset, std::uint64_t htinst = 0) {
        stval_ = window + (offset ^ 0x100);
        begin_at(stval_);
        return trap(cause, device_base + offset, htinst);
    }
    void forget_instructions() { instructions_.clear(); }
    Resumption fault(Exception cause, std::uint64_t offset, std::uint64_t htinst = 0) {
        return fault_at(cause, device_base + offset, htinst);
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
    bool put_off = false;            ///< the last access had to wait for s1 to s11
    std::uint64_t fetch_fault = 13;  ///< scause of a fetch from where nothing was placed

  private:
    Resumption trap(Exception cause, std::uint64_t at, std::uint64_t htinst) {
        before_ = x();
        csr_write<Csr::scause>(static_cast<std::uint64_t>(cause));
        csr_write<Csr::stval>(stval_);
        csr_write<Csr::htval>(at >> 2);
        csr_write<Csr::htinst>(htinst);
        const auto [fetched, fault_address] = fetch();
        return access(fetched, fault_address, htinst, at >> 2);
    }

    /// As the world switch does it: s1 to s11 are in the context only if they are asked for.
    Resumption access(std::uint64_t fetched, std::uint64_t fault_address, std::uint64_t htinst,
                      std::uint64_t htval) {
        constexpr std::uint64_t not_stored = 0x5a5a'0000'5a5a'0000;
        VcpuContext& context = vcpu().context;
        for (unsigned reg = 0; reg < 32; ++reg) {
            if (is_saved_register(reg)) context.x[reg] = not_stored + reg;
        }
        const Resumption early =
            handle_guest_access(&context, fetched, fault_address, htinst, stval_, htval);
        for (unsigned reg = 0; reg < 32; ++reg) {
            if (!is_saved_register(reg)) continue;
            CHECK(context.x[reg] == not_stored + reg);
            context.x[reg] = before_[reg];
        }
        CHECK(early != Resumption::all);
        put_off = early == Resumption::not_yet;
        return put_off ? handle_open_access(&context) : early;
    }

    /// (instruction, anything) or (scause and a bit, address), as the world switch reads it. The
    /// bits behind a compressed instruction are those of the next one, if there is one.
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> fetch() {
        const auto low = instructions_.find(pc());
        const auto high = instructions_.find(pc() + 2);
        const auto end = instructions_.end();
        const std::uint64_t faulted = fetch_fault | std::uint64_t{1} << CAIRN_FETCH_FAULTED_BIT;
        if (low == end) return {faulted, pc()};
        const bool whole = pc() % 4 == 0 || (low->second & 3) == 3;
        if (high != end && whole) return {std::uint64_t{high->second} << 16 | low->second, ~0ull};
        if ((low->second & 3) == 3) return {faulted, pc() + 2};
        return {low->second, ~0ull};
    }

    std::map<std::uint64_t, std::uint16_t> instructions_;  ///< by guest virtual address
    Registers before_{};
    std::uint64_t stval_ = 0;
};

}  // namespace cairn::test
