// SPDX-License-Identifier: MIT
#include "tests/guests/hostile/actions.hpp"

#include <atomic>

#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/hostile/calls.hpp"
#include "tests/guests/hostile/cell.hpp"
#include "tests/guests/hostile/floods.hpp"

namespace cairn::guest::hostile {

Machine machine;

namespace {

constexpr std::uint64_t ram_base = 0x8000'0000, test_device = 0x10'0000;
constexpr std::uint64_t timer_enabled = 1u << 5, software_enabled = 1u << 1;
std::atomic<const char*> first_failure = nullptr;

constexpr unsigned a0 = 10, a1 = 11, a2 = 12;

/// In the guest's RAM, but not where nothing of it lies.
bool is_dear(std::uint64_t address) {
    constexpr std::uint64_t spare = 0x1'0000;
    return address >= ram_base + spare - 64 && address < machine.ram_end - spare;
}

std::uint64_t device_address(Random& random) {
    constexpr std::array<std::uint64_t, 12> places{
        test_device, 0x10'1000,   0x0c00'0000, 0x0c00'1000, 0x0c00'2000, 0x0c20'0000,
        0x0c20'1000, 0x1000'0000, 0x1000'1000, 0x1000'8000, 0x0c60'0000, 0x1800'0000};
    const std::uint64_t place = random.one_of(places);
    switch (random.below(4)) {
        case 0: return place + random.below(16) - 8;
        case 1: return place + random.below(0x1000);
        case 2: return place + random.below(8) * 4;
        default: return place + random.below(0x20'0000) / 4 * 4;
    }
}

/// An address for `where`: of a device or near it, in the data or over its end, of the nonsense,
/// around RAM's ends, or none at all.
std::uint64_t address(std::size_t hart, Where where, Random& random) {
    const std::uint64_t data = data_of(hart, where);
    switch (random.below(8)) {
        case 0:
        case 1:
        case 2: return devices_of(where) + device_address(random);
        case 3: return data + random.below(data_size - 256);
        case 4: return data + random.below(data_size / 8) * 8;
        case 5:
            if (where == Where::bare) return machine.ram_end + random.below(32) - 16;
            return nonsense_base + random.below(nonsense_size);
        case 6: return ram_base - 16 + random.below(32);
        default: return random.number();
    }
}

void fill_registers(std::size_t hart, Where where, Random& random) {
    for (std::uint64_t& x : cell_of(hart).x)
        x = random.one_in(2) ? address(hart, where, random) : random.number();
}

constexpr std::uint32_t instruction(std::uint32_t opcode, unsigned rd, unsigned funct3,
                                    unsigned rs1, std::uint32_t high) {
    return high << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

// --- CSRs ---

std::uint16_t csr_number(Random& random) {
    constexpr std::array<std::uint16_t, 4> bases{0x100, 0x200, 0x600, 0xc00};
    if (random.one_in(3)) return static_cast<std::uint16_t>(random.below(0x1000));
    return static_cast<std::uint16_t>(random.one_of(bases) + random.below(0x90));
}

/// Touches a CSR and puts back what was in it, if it could be touched.
void touch_csr(std::size_t hart, Random& random) {
    constexpr std::uint32_t system = 0x73;
    constexpr std::array<unsigned, 6> forms{1, 2, 3, 5, 6, 7};
    const std::uint16_t csr = csr_number(random);
    const Where where = random.one_in(4) ? Where::user : Where::bare;
    fill_registers(hart, where, random);
    std::uint64_t& value = cell_of(hart).x[a1];
    const bool paging = csr == static_cast<std::uint16_t>(Csr::satp);
    // Of satp only what no hart takes: with paging on, the next instruction would lie elsewhere.
    if (paging) value = (value & ~0ull >> 4) | (1 + random.below(7)) << 60;
    const unsigned form = paging ? 1 : random.one_of(forms);
    Program program;
    program.add32(instruction(system, a0, form, a1, csr));
    program.add32(instruction(system, a2, 1, a0, csr));
    run_program(hart, program, where, false, random.next());
}

// --- Instructions ---

/// An instruction of the opcode SYSTEM that leaves the cell's CSRs as they are.
std::uint32_t system_instruction(Where where, Random& random) {
    constexpr std::array<std::uint32_t, 10> fixed{
        0x0010'0073, 0x3020'0073, 0x0020'0073, 0x7b20'0073, 0x00d0'0073,
        0x01d0'0073, 0x1800'0073, 0x1810'0073, 0x1040'0073, 0x7020'0073};
    const auto registers = static_cast<std::uint32_t>(random.below(1u << 10)) << 15;
    const auto rd = static_cast<std::uint32_t>(random.below(32)) << 7;
    switch (random.below(6)) {
        case 0: return random.one_of(fixed);
        case 1: return 0x1200'0073 | registers;                                     // sfence.vma
        case 2: return (random.one_in(2) ? 0x2200'0073 : 0x6200'0073) | registers;  // hfence
        case 3:  // HLV, HLVX and HSV
            return 0x6000'4073 | static_cast<std::uint32_t>(random.below(16)) << 25 | registers |
                   rd;
        case 4:  // a read of any CSR
            return 0x0000'2073 | static_cast<std::uint32_t>(random.below(0x1000)) << 20 | rd;
        default:
            return where == Where::user ? (random.one_in(2) ? 0x73u : 0x1020'0073u) : 0x73u << 20;
    }
}

/// Whether a jump or branch may go back: a loop ends with the timer alone.
bool goes_back(std::uint32_t word) {
    switch (word & 0x7f) {
        case 0x63:
        case 0x6f: return (word >> 31) != 0;
        default: break;
    }
    const std::uint32_t group = word & 0xe003;
    return (group == 0xa001 || group == 0xc001 || group == 0xe001) && (word >> 12 & 1) != 0;
}

std::uint32_t any_instruction(Where where, Random& random) {
    // LOAD, STORE, AMO, LOAD-FP, STORE-FP, OP-V, MISC-MEM: what Cairn may have to look at.
    constexpr std::array<std::uint32_t, 7> opcodes{0x03, 0x23, 0x2f, 0x07, 0x27, 0x57, 0x0f};
    if (random.one_in(10)) return system_instruction(where, random);
    while (true) {
        auto word = static_cast<std::uint32_t>(random.next());
        if (random.one_in(2)) word = (word & ~0x7fu) | random.one_of(opcodes);
        if ((word & 0x7f) == 0x73 || goes_back(word)) continue;
        return word;
    }
}

void arm_timer(std::uint64_t ticks) {
    sbi_call(SbiExtension::time, SbiTime::set_timer, csr_read<Csr::time>() + ticks);
}
void disarm_timer() {
    sbi_call(SbiExtension::time, SbiTime::set_timer, ~std::uint64_t{0});
}

void run_anything(std::size_t hart, Random& random) {
    constexpr std::uint64_t patience = 20'000;  // ticks, 2 ms
    const Where where = random.one_in(2) ? Where::user : Where::supervisor;
    fill_registers(hart, where, random);
    Program program;
    for (std::size_t left = 1 + random.below(12); left > 0; --left) {
        const std::uint32_t word = any_instruction(where, random);
        if ((word & 3) == 3) {
            program.add32(word);
        } else {
            program.add16(static_cast<std::uint16_t>(word));
        }
    }
    arm_timer(patience);
    csr_write<Csr::sie>(timer_enabled | (random.one_in(4) ? software_enabled : 0));
    run_program(hart, program, where, true, random.next());
    disarm_timer();
}

void wait_a_while(std::size_t hart, Random& random) {
    constexpr std::uint32_t wfi = 0x1050'0073;
    Program program;
    program.add32(wfi);
    arm_timer(random.below(500));
    csr_write<Csr::sie>(timer_enabled);
    run_program(hart, program, random.one_in(4) ? Where::user : Where::bare, false, random.next());
    disarm_timer();
}

// --- Devices and memory ---

/// A load, store or AMO of any width and register at (a1).
std::uint32_t access_instruction(Random& random) {
    const auto reg = static_cast<unsigned>(random.below(32));
    const auto width = static_cast<unsigned>(random.below(8));
    switch (random.below(8)) {
        case 0:
            return instruction(0x2f, reg, 2 + width % 2, a1,
                               static_cast<std::uint32_t>(random.below(32)) << 7 | a2);
        case 1: return instruction(0x07, reg, 1 + width % 4, a1, 0);
        case 2: return instruction(0x27, 0, 1 + width % 4, a1, reg);
        case 3:
        case 4:
        case 5: return instruction(0x03, reg, width, a1, 0);
        default: return instruction(0x23, 0, width % 4, a1, reg);
    }
}

void access_somewhere(std::size_t hart, Where where, Random& random) {
    fill_registers(hart, where, random);
    Cell& cell = cell_of(hart);
    if (where == Where::bare) {
        if (is_dear(cell.x[a1])) cell.x[a1] = data_of(hart, where) + cell.x[a1] % (data_size - 64);
        for (std::uint64_t& x : cell.x) {  // no word that the test device obeys
            if (&x != &cell.x[a1]) x |= 0x8000'8000'8000'8000;
        }
    }
    Program program;
    program.add32(access_instruction(random));
    run_program(hart, program, where, false, random.next());
}

void access_devices(std::size_t hart, Random& random) {
    const std::uint64_t kind = random.below(4);
    access_somewhere(hart,
                     kind == 0   ? Where::supervisor
                     : kind == 1 ? Where::user
                                 : Where::bare,
                     random);
}

// --- Page tables ---

/// Anything for a page table, but no way to write to the guest's own pages, or to run its data.
std::uint64_t nonsense_entry(std::size_t hart, Random& random) {
    constexpr std::uint64_t executable = 8,
                            readable = 2;  // data is no table: it could say anything
    const std::uint64_t flags = random.one_in(3) ? 1 : random.below(0x400);
    const std::uint64_t high = random.one_in(8) ? random.next() << 54 : 0;
    std::uint64_t address = 0;
    switch (random.below(7)) {
        case 0:
            address = data_of(hart, Where::bare) + random.below(data_size / page_size) * page_size;
            return address >> 12 << 10 | (flags & ~executable) | readable | high;
        case 1: address = device_address(random); break;
        case 2: address = machine.ram_end + random.below(16) * page_size; break;
        case 3: address = random.next() | 1ull << 40; break;
        case 4: return root_table(hart) >> 12 << 10 | 1 | high;  // so that tables lead in circles
        default: return nonsense_table(hart) >> 12 << 10 | (flags & 0x3f1) | high;
    }
    return (address >> 12 << 10 & ~0ull >> 10) | flags | high;
}

void walk_nonsense(std::size_t hart, Random& random) {
    for (std::size_t left = 1 + random.below(16); left > 0; --left) {
        if (random.one_in(3)) {
            write_nonsense_root(hart, random.below(16), nonsense_entry(hart, random));
        } else {
            write_nonsense(hart, random.below(nonsense_entries), nonsense_entry(hart, random));
        }
    }
    const Where where = random.one_in(2) ? Where::user : Where::supervisor;
    fill_registers(hart, where, random);
    Program program;
    for (std::size_t left = 1 + random.below(6); left > 0; --left) {
        const auto base = static_cast<unsigned>(1 + random.below(31));
        cell_of(hart).x[base] = nonsense_base + random.below(nonsense_size);
        const std::uint32_t access = access_instruction(random);
        program.add32((access & ~(31u << 15)) | base << 15);
    }
    if (random.one_in(4)) {  // and a jump there
        cell_of(hart).x[a1] = nonsense_base + random.below(nonsense_size);
        program.add32(instruction(0x67, 1, 0, a1, 0));
    }
    run_program(hart, program, where, false, random.next());
}

}  // namespace

std::string_view failure() {
    const char* const what = first_failure.load();
    return what == nullptr ? std::string_view() : std::string_view(what);
}

void fail(const char* what) {
    const char* none = nullptr;
    first_failure.compare_exchange_strong(none, what);
}

void act(std::size_t hart, Random random) {
    switch (random.below(18)) {
        case 0:
        case 1:
        case 2: return touch_csr(hart, random);
        case 3:
        case 4:
        case 5: return run_anything(hart, random);
        case 6:
        case 7:
        case 8: return call_anything(hart, random);
        case 9:
        case 10:
        case 11: return access_devices(hart, random);
        case 12:
        case 13: return walk_nonsense(hart, random);
        case 14: return storm(hart, random);
        case 15:
        case 16: return flood(hart, random);
        default: return random.one_in(4) ? wait_a_while(hart, random) : call_harts(hart, random);
    }
}

}  // namespace cairn::guest::hostile
