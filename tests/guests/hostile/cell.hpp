// SPDX-License-Identifier: MIT
// Where the hostile guest runs what may do anything: a page of code for each hart, run with any
// registers, in VS-mode or VU-mode, with paging off or within a cage of pages. A trap steps over
// the instruction that raised it; the timer, too many traps, and a pc outside of the page end the
// run. All that the guest itself needs is out of reach of the cage's pages.
//
//     0x00_0000_0000   devices, as they lie (the test device: to read only)        VS
//     0x00_8000_0000   RAM, to read and execute only                               VS
//     0x10_0000_0000   code              0x14_0000_0000   the same for VU-mode
//     0x12_0000_0000   data              0x16_0000_0000   the same
//                                        0x18_0000_0000   devices
//     0x1a_0000_0000 and more: nonsense, new each time
//     0x2a_5a5a_5000   the cell, where no number leads by chance                    VS
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cairn::guest::hostile {

inline constexpr std::size_t max_harts = 8;
inline constexpr std::size_t page_size = 4096;

/// Offsets are in sandbox.S, too.
struct alignas(page_size) Cell {
    std::array<std::uint64_t, 32> x{};      ///< the registers of what runs
    std::array<std::uint64_t, 16> saved{};  ///< the guest's own
    Cell* self = this;                      ///< where it is with paging off
    std::uint64_t code_begin = 0;           ///< as the pc sees it
    std::uint64_t code_end = 0;
    const void* code = nullptr;  ///< as it is with paging off
    std::uint64_t traps_left = 0;
    std::uint64_t traps = 0;  ///< ever
};
static_assert(offsetof(Cell, saved) == 256 && offsetof(Cell, self) == 384);
static_assert(offsetof(Cell, code_begin) == 392 && offsetof(Cell, traps) == 424);

/// A page of instructions and what they run with.
struct Program {
    std::array<std::uint16_t, 64> parcels{};
    std::size_t size = 0;  ///< in parcels
    std::uint64_t traps_allowed = 16;

    void add16(std::uint16_t parcel) { parcels[size++] = parcel; }
    void add32(std::uint32_t instruction) {
        add16(static_cast<std::uint16_t>(instruction));
        add16(static_cast<std::uint16_t>(instruction >> 16));
    }
};

enum class Where : std::uint8_t {
    bare,        ///< VS-mode, paging off
    supervisor,  ///< VS-mode in the cage
    user,        ///< VU-mode in the cage
};

/// The code's data, as it sees it.
inline constexpr std::size_t data_size = 4 * page_size;
[[nodiscard]] std::uint64_t data_of(std::size_t hart, Where where);
/// What devices are found above, as the code sees it.
[[nodiscard]] std::uint64_t devices_of(Where where);
inline constexpr std::uint64_t nonsense_base = 0x1a'0000'0000;
inline constexpr std::uint64_t nonsense_size = 0x4'0000'0000;

/// Makes the hart's cage.
void make_cell(std::size_t hart);
/// The nonsense: a table that its own entries and those of the root may point to.
inline constexpr std::size_t nonsense_entries = 512;
[[nodiscard]] std::uint64_t nonsense_table(std::size_t hart);
[[nodiscard]] std::uint64_t root_table(std::size_t hart);
void write_nonsense(std::size_t hart, std::size_t place, std::uint64_t bits);
void write_nonsense_root(std::size_t hart, std::size_t place, std::uint64_t bits);

/// Runs `program` with the registers of the hart's cell, which are what it left afterwards; the
/// CSRs are restored. Who lets interrupts in has enabled some in sie. `satp_choice` chooses the
/// mode of the cage's pages.
void run_program(std::size_t hart, const Program& program, Where where, bool interruptible,
                 std::uint64_t satp_choice);
[[nodiscard]] Cell& cell_of(std::size_t hart);

/// The hart's own CSRs as they are between actions.
void restore_csrs();

}  // namespace cairn::guest::hostile
