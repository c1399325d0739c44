// SPDX-License-Identifier: MIT
// What a vCPU's last accesses to devices were: decoded, and with the device that took them. Drivers
// use the same few instructions again and again, each with one device.
//
//     pc ──► one of 16 places ──► key == the instruction (or htinst) of now? ──► access, device
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

#include "kernel/arch/instruction.hpp"
#include "kernel/arch/vcpu_context.hpp"
#include "kernel/dev/bus.hpp"

namespace cairn {

/// Whether C++ functions keep x-register `reg` for their callers; s0 is not counted, the world
/// switch needs it.
[[nodiscard]] constexpr bool is_saved_register(unsigned reg) {
    return reg == 9 || (reg >= 18 && reg <= 27);  // RISC-V psABI, "Integer register convention"
}

struct alignas(64) RecentAccess {
    RecentAccess() = default;
    /// `access` is a load or a store.
    /// `base_register` is the guest's register that its address is made of.
    RecentAccess(std::uint64_t known_by, const MemoryAccess& what, Bus::Hint where,
                 const std::uint64_t& base_register)
        : access(what),
          resumption(what.kind == AccessKind::load && is_saved_register(what.reg)
                         ? Resumption::all
                         : Resumption::with_saved_registers),
          unused_bits(static_cast<std::uint8_t>(64 - what.width * 8u)),
          hint(where),
          key(known_by),
          base(&base_register),
          base_value(base_register) {}

    /// An instruction is below 2^32; what the hart put into htinst, which is too, has bit 32 set.
    static constexpr std::uint64_t from_htinst = std::uint64_t{1} << 32;
    static constexpr std::uint64_t no_key = ~std::uint64_t{0};

    /// What the register gets of the device's `value`, as loaded_value says.
    [[nodiscard]] std::uint64_t loaded(std::uint64_t value) const {
        const std::uint64_t high = value << (unused_bits & 63);
        return access.sign_extend ? static_cast<std::uint64_t>(static_cast<std::int64_t>(high) >>
                                                               (unused_bits & 63))
                                  : high >> (unused_bits & 63);
    }
    /// What a store of the register's `value` writes, as stored_value says.
    [[nodiscard]] std::uint64_t stored(std::uint64_t value) const {
        return value << (unused_bits & 63) >> (unused_bits & 63);
    }
    /// Whether the access begins where it did when it was learned.
    [[nodiscard]] bool begins_as_learned() const { return *base == base_value; }
    /// The number of the register: below 32, which a mask says cheaper than a check.
    [[nodiscard]] unsigned reg() const { return access.reg & 31; }

    MemoryAccess access{};
    Resumption resumption = Resumption::all;
    std::uint8_t unused_bits = 0;  ///< of a register, above the width of the access; < 64
    Bus::Hint hint{};
    std::uint64_t key = no_key;
    const std::uint64_t* base = nullptr;
    std::uint64_t base_value = 0;
};
static_assert(sizeof(RecentAccess) == 64, "a power of two, since it is looked up by pc");

class RecentAccesses {
  public:
    /// The place of the instruction at `pc`, which may hold that of another.
    [[nodiscard]] RecentAccess& at(std::uint64_t pc) { return places_[pc / 2 % places]; }

  private:
    static constexpr std::size_t places = 16;

    std::array<RecentAccess, places> places_{};
};

}  // namespace cairn
