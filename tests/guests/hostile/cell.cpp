// SPDX-License-Identifier: MIT
#include "tests/guests/hostile/cell.hpp"

#include <algorithm>

#include "tests/guests/guest_runtime.hpp"

extern "C" {
void hostile_run(cairn::guest::hostile::Cell* cell, std::uint64_t handle, std::uint64_t satp,
                 std::uint64_t pc, std::uint64_t sstatus);
void hostile_trap();
void guest_trap_entry();
}

namespace cairn::guest::hostile {
namespace {

using Table = std::array<std::uint64_t, 512>;
struct Branch {
    Table middle, bottom;
};
struct alignas(page_size) Cage {
    Table root, upper, topmost;  ///< of Sv39; of Sv48 and Sv57, whose first entries lead to it
    Table low, user_low;         ///< the first GiB: the test device is to be read only
    Branch code, user_code, data_pages, user_data, cell;
    Table nonsense;
    std::array<std::byte, data_size> data;
    std::array<std::uint16_t, page_size / 2> parcels;
};
std::array<Cage, max_harts> cages;
std::array<Cell, max_harts> cells;

constexpr std::uint64_t gibi = 1ull << 30;
constexpr std::uint64_t code_base = 0x10'0000'0000, user_code_base = 0x14'0000'0000;
constexpr std::uint64_t data_base = 0x12'0000'0000, user_data_base = 0x16'0000'0000;
constexpr std::uint64_t user_devices = 0x18'0000'0000, cell_base = 0x2a'5a5a'5000;
// V, A and D, with R, W, X and U.
constexpr std::uint64_t branch = 0x01, r = 0xc3, rw = 0xc7, rx = 0xcb, u = 0x10;
constexpr std::uint64_t sv39 = 8;

std::uint64_t entry_of(std::uint64_t address, std::uint64_t bits) {
    return address >> 12 << 10 | bits;
}
std::uint64_t entry_of(const void* page, std::uint64_t bits) {
    return entry_of(reinterpret_cast<std::uint64_t>(page), bits);
}

void map_pages(Table& root, std::uint64_t at, Branch& below, const void* pages, std::size_t size,
               std::uint64_t bits) {
    root[at / gibi] = entry_of(&below.middle, branch);
    below.middle[at >> 21 & 511] = entry_of(&below.bottom, branch);
    const std::size_t first = at >> 12 & 511;
    for (std::size_t page = 0; page < size / page_size; ++page) {
        below.bottom[first + page] =
            entry_of(static_cast<const std::byte*>(pages) + page * page_size, bits);
    }
}

void map_devices(Table& root, std::uint64_t at, Table& low, std::uint64_t bits) {
    for (std::size_t i = 0; i < low.size(); ++i)
        low[i] = entry_of(i << 21, (i == 0 ? r : rw) | bits);
    root[at / gibi] = entry_of(&low, branch);
    root[at / gibi + 1] = entry_of(gibi, rw | bits);
}

std::uint64_t satp_of(std::uint64_t mode, const Table& root) {
    return mode << 60 | reinterpret_cast<std::uint64_t>(&root) >> 12;
}

/// The cage's satp: of one mode or another, of those that the hart has.
std::uint64_t choose_satp(std::size_t hart, std::uint64_t choice) {
    const Cage& cage = cages[hart];
    const std::array satps{satp_of(sv39, cage.root), satp_of(sv39 + 1, cage.upper),
                           satp_of(sv39 + 2, cage.topmost)};
    const std::uint64_t wanted = satps[choice % satps.size()];
    csr_write<Csr::satp>(wanted);  // the guest lies where it lay
    const bool taken = csr_read<Csr::satp>() == wanted;
    csr_write<Csr::satp>(0);
    return taken ? wanted : satps[0];
}

std::uint64_t bits_of(Where where, bool interruptible) {
    constexpr std::uint64_t fp_and_vector = 3u << 13 | 3u << 9;
    return fp_and_vector | (where == Where::user ? 0u : 1u << 8) | (interruptible ? 1u << 5 : 0u);
}

}  // namespace

std::uint64_t data_of(std::size_t hart, Where where) {
    switch (where) {
        case Where::bare: return reinterpret_cast<std::uint64_t>(cages[hart].data.data());
        case Where::supervisor: return data_base;
        case Where::user: return user_data_base;
    }
    return 0;
}

std::uint64_t devices_of(Where where) {
    return where == Where::user ? user_devices : 0;
}

std::uint64_t nonsense_table(std::size_t hart) {
    return reinterpret_cast<std::uint64_t>(&cages[hart].nonsense);
}
std::uint64_t root_table(std::size_t hart) {
    return reinterpret_cast<std::uint64_t>(&cages[hart].root);
}
void write_nonsense(std::size_t hart, std::size_t place, std::uint64_t bits) {
    cages[hart].nonsense[place] = bits;
}
void write_nonsense_root(std::size_t hart, std::size_t place, std::uint64_t bits) {
    cages[hart].root[nonsense_base / gibi + place % (nonsense_size / gibi)] = bits;
}

Cell& cell_of(std::size_t hart) {
    return cells[hart];
}

void make_cell(std::size_t hart) {
    Cage& cage = cages[hart];
    Cell& cell = cells[hart];
    cage.topmost[0] = entry_of(&cage.upper, branch);
    cage.upper[0] = entry_of(&cage.root, branch);
    map_devices(cage.root, 0, cage.low, 0);
    map_devices(cage.root, user_devices, cage.user_low, u);
    cage.root[2] = entry_of(2 * gibi, rx);
    map_pages(cage.root, code_base, cage.code, &cage.parcels, page_size, rx);
    map_pages(cage.root, user_code_base, cage.user_code, &cage.parcels, page_size, rx | u);
    map_pages(cage.root, data_base, cage.data_pages, &cage.data, data_size, rw);
    map_pages(cage.root, user_data_base, cage.user_data, &cage.data, data_size, rw | u);
    map_pages(cage.root, cell_base, cage.cell, &cell, page_size, rw);
    cell.code = cage.parcels.data();
}

void run_program(std::size_t hart, const Program& program, Where where, bool interruptible,
                 std::uint64_t satp_choice) {
    constexpr std::uint16_t ebreak = 0x9002;  // c.ebreak
    Cage& cage = cages[hart];
    Cell& cell = cells[hart];
    std::ranges::fill(cage.parcels, ebreak);
    std::copy_n(program.parcels.begin(), program.size, cage.parcels.begin());
    asm volatile("fence.i" : : : "memory");
    const bool bare = where == Where::bare;
    const std::uint64_t at = bare ? reinterpret_cast<std::uint64_t>(cell.code)
                                  : (where == Where::user ? user_code_base : code_base);
    cell.code_begin = at;
    cell.code_end = at + program.size * 2;
    cell.traps_left = program.traps_allowed;
    const std::uint64_t satp = bare ? 0 : choose_satp(hart, satp_choice);
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(hostile_trap));
    hostile_run(&cell, bare ? reinterpret_cast<std::uint64_t>(&cell) : cell_base, satp, at,
                bits_of(where, interruptible));
    restore_csrs();
}

void restore_csrs() {
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
    csr_write<Csr::stvec>(reinterpret_cast<std::uint64_t>(guest_trap_entry));
    csr_write<Csr::sie>(0);
    csr_clear<Csr::sip>(2);
    csr_write<Csr::sstatus>(bits_of(Where::supervisor, false));
    csr_write<Csr::scounteren>(7);
}

}  // namespace cairn::guest::hostile
