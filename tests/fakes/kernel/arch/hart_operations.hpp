// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/hart_operations.hpp in host tests: records what was asked for, and
// serves instruction fetches from a small guest memory that the test fills.
#pragma once

#include <cstdint>
#include <map>

namespace cairn {

struct FakeHart {
    std::map<std::uint64_t, std::uint16_t> instructions;  ///< by guest virtual address
    std::uint64_t fetch_fault = 13;                       ///< scause of a fetch from elsewhere
    unsigned gvma_fences = 0;
    unsigned vvma_fences = 0;
    unsigned instruction_fences = 0;
    unsigned waits = 0;
};
inline FakeHart fake_hart;

struct GuestFetch {
    static constexpr std::uint64_t no_fault = ~std::uint64_t{0};
    std::uint64_t value;
    std::uint64_t fault;
};

inline GuestFetch fetch_guest_instruction(std::uint64_t address) {
    const auto low = fake_hart.instructions.find(address);
    const auto high = fake_hart.instructions.find(address + 2);
    const auto end = fake_hart.instructions.end();
    if (low == end) return {address, fake_hart.fetch_fault};
    if ((low->second & 3) != 3) return {low->second, GuestFetch::no_fault};
    if (high == end) return {address + 2, fake_hart.fetch_fault};
    return {std::uint64_t{high->second} << 16 | low->second, GuestFetch::no_fault};
}
inline void reset_guest_fp() {}
inline void hfence_gvma_all() {
    ++fake_hart.gvma_fences;
}
inline void hfence_vvma_all() {
    ++fake_hart.vvma_fences;
}
inline void fence_i() {
    ++fake_hart.instruction_fences;
}
inline void wait_for_interrupt() {
    ++fake_hart.waits;
}
inline std::uint64_t program_counter() {
    return 0;
}
inline std::uint64_t frame_pointer() {
    return 0;
}

}  // namespace cairn
