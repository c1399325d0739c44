// SPDX-License-Identifier: MIT
// What a vCPU's last accesses to devices were: decoded, and with the device that took them. Drivers
// use the same few instructions again and again, each with one device or two.
//
//     pc ──► one of 8 rows of 2 ──► key == the instruction (or htinst) of now? ──► access, device
//
// Nothing here is believed: the key is all that decoding depends on, so there is nothing to forget
// when a guest changes its code, and the bus checks its hint. What a key does not tell is where the
// access begins: the second page of a misaligned one that crosses into a device faults with the
// address of that page's start. There the base register must hold what it held when the access was
// learned to be aligned. Owned by the vCPU, touched by its hart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/guest/vcpu_context.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/dev/bus.hpp"

namespace cairn {

/// Whether x-register `reg` is of those that C++ functions keep for their callers, so that the
/// world switch stores it late; s0 is not, it is needed.
[[nodiscard]] constexpr bool is_saved_register(unsigned reg) {
    return reg == 9 || (reg >= 18 && reg <= 27);  // RISC-V psABI, "Integer register convention"
}

struct RecentAccess {
    /// What carries out such an access, which begins at `at`, for which the hint holds, and so at
    /// `offset` in the device's block.
    using Performer = Resumption(Vcpu& vcpu, const RecentAccess& recent, GuestPhys at,
                                 std::uint64_t offset);

    /// An instruction is below 2^32; what the hart put into htinst, which is too, has bit 32 set.
    static constexpr std::uint64_t from_htinst = std::uint64_t{1} << 32;
    static constexpr std::uint8_t base_is_saved = 1;
    static constexpr std::uint64_t no_key = ~std::uint64_t{0};

    /// Whether the access begins where it did when it was learned, where no saved register tells.
    [[nodiscard]] bool begins_as_learned_early(const VcpuContext& context) const {
        if ((base & base_is_saved) != 0) return false;
        // Not by number: that takes three instructions more.
        const auto* const x = reinterpret_cast<const std::byte*>(&context.x);
        return *reinterpret_cast<const std::uint64_t*>(x + base) == base_value;
    }
    /// The same with all registers in the context.
    [[nodiscard]] bool begins_as_learned(const VcpuContext& context) const {
        return context.x[base / sizeof(std::uint64_t)] == base_value;
    }
    /// `base` of x-register `reg`, below 32.
    [[nodiscard]] static constexpr std::uint8_t base_of(unsigned reg) {
        return static_cast<std::uint8_t>((reg & 31) * sizeof(std::uint64_t) |
                                         (is_saved_register(reg) ? base_is_saved : 0));
    }

    [[no_unique_address]] Bus::Hint hint{};  // what follows lies in its last bytes
    std::uint8_t length = 0;                 ///< of the instruction, 2 or 4
    std::uint8_t address_offset = 0;         ///< MemoryAccess's
    Resumption resumption = Resumption::all;
    std::uint8_t base = 0;  ///< of the register that the address is made of: where in `x` it lies
    std::uint64_t key = no_key;
    std::uint64_t base_value = 0;    ///< what `base` held
    std::uint64_t* value = nullptr;  ///< the register; of a load into x0, what is thrown away
    /// Before s1 to s11 are in the context, and then.
    Performer* perform = nullptr;
    Performer* perform_stored = nullptr;
};
static_assert(sizeof(RecentAccess) == 64, "a power of two, since it is looked up by pc");

/// An access to a device that could not be carried out before s1 to s11 were in the context.
struct OpenAccess {
    const RecentAccess* known = nullptr;  ///< nullptr: it has to be looked at closely
    std::uint64_t at_or_fetched = 0;      ///< where a known one begins; else the instruction, which
    std::uint64_t fault_address = 0;      ///< with this is as handle_guest_access has it
};

class RecentAccesses {
  public:
    /// Two instructions whose places collide both stay: `second` is who was `first` before.
    struct Row {
        RecentAccess first;
        RecentAccess second;
    };

    /// The row of the instruction at `pc`, which may hold others.
    [[nodiscard]] Row& at(std::uint64_t pc) { return rows_[pc / 2 % rows]; }

  private:
    static constexpr std::size_t rows = 8;

    std::array<Row, rows> rows_{};
};

}  // namespace cairn
