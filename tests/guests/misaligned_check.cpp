// SPDX-License-Identifier: MIT
// Misaligned accesses that the guest leaves to its firmware (SBI FWFT). QEMU's hart carries
// misaligned loads and stores out itself: only atomic ones trap. Firmware
// that does not delegate (OpenSBI 1.1) carries out what Cairn would, with the same results. So here
// the hart executes an AMO by a translation that it still knows, while the page table already leads
// to a page that has a load or store in its place: that is what Cairn finds, and carries out.
//
//     page A, which the hart still uses      page B, which the page table says
//     0x200: amoadd.w  a2, a2, (a1)          0x200: ld a2, 0(a1)
//     0x204: mv        a0, a2                0x204: mv a0, a2
//     0x208: ret                             0x208: ret
#include <array>
#include <optional>

#include "kernel/arch/firmware/sbi_features.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

namespace cairn::guest {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::uint64_t alias = 0xc000'0000;
constexpr std::uint64_t data = alias + 0x1ffd;  // 3 bytes on one page, the others on the next
constexpr std::uint32_t amo = 0x00c5'a62f;      // amoadd.w a2, a2, (a1)
constexpr std::size_t exchanged = 0x200;

using Table = std::array<std::uint64_t, page_size / 8>;
using Page = std::array<std::uint8_t, page_size>;
alignas(page_size) constinit Table root{}, middle{}, leaves{};
alignas(page_size) constinit Page old_code{}, new_code{};
alignas(page_size) constinit std::array<std::uint8_t, 2 * page_size> bytes{};

std::uint64_t entry(const void* page, std::uint64_t flags) {
    return reinterpret_cast<std::uint64_t>(page) / page_size << 10 | flags;
}
constexpr std::uint64_t branch = 0x01, everything = 0xcf;  // V, A, D, and RWX

/// The alias: a page of code, and two of data.
void turn_paging_on(bool second_page) {
    root[0] = everything;
    root[2] = entry(reinterpret_cast<const void*>(0x8000'0000), everything);
    root[3] = entry(&middle, branch);
    middle[0] = entry(&leaves, branch);
    leaves[0] = entry(&old_code, everything);
    leaves[1] = entry(&bytes, everything);
    leaves[2] = second_page ? entry(&bytes[page_size], everything) : 0;
    csr_write<Csr::satp>(8ull << 60 | reinterpret_cast<std::uint64_t>(&root) / page_size);
    asm volatile("sfence.vma" : : : "memory");
}
void turn_paging_off() {
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
}

void place(Page& page, std::size_t at, std::uint32_t instruction) {
    for (unsigned n = 0; n < 4; ++n)
        page[at + n] = static_cast<std::uint8_t>(instruction >> (8 * n));
}

void place_code(std::uint32_t instruction) {
    for (Page* const page : {&old_code, &new_code}) {
        place(*page, exchanged - 4, 0x00d5'3023);  // sd a3, 0(a0): the leaf is page B's
        place(*page, exchanged + 4, 0x0006'0513);  // mv a0, a2
        place(*page, exchanged + 8, 0x0000'8067);  // ret
    }
    place(old_code, exchanged, amo);
    place(new_code, exchanged, instruction);
    asm volatile("fence.i" : : : "memory");
}

/// Has Cairn carry out `instruction`, whose address is a1 = `data` and register a2 = `value`.
std::uint64_t carry_out(std::uint32_t instruction, std::uint64_t value, bool second_page = true) {
    place_code(instruction);
    turn_paging_on(second_page);
    const auto run = reinterpret_cast<std::uint64_t (*)(
        std::uint64_t*, std::uint64_t, std::uint64_t, std::uint64_t)>(alias + exchanged - 4);
    const std::uint64_t result = run(leaves.data(), data, value, entry(&new_code, everything));
    turn_paging_off();
    return result;
}

std::uint64_t stored() {
    std::uint64_t value = 0;
    for (unsigned n = 0; n < 8; ++n)
        value |= std::uint64_t{bytes[data - alias - page_size + n]} << (8 * n);
    return value;
}
void store(std::uint64_t value) {
    for (unsigned n = 0; n < 8; ++n)
        bytes[data - alias - page_size + n] = static_cast<std::uint8_t>(value >> (8 * n));
}

std::uint64_t fp_register() {
    std::uint64_t value;
    asm volatile(".option push\n.option arch, +d\nfmv.x.d %0, f31\n.option pop" : "=r"(value));
    return value;
}
void set_fp_register(std::uint64_t value) {
    asm volatile(".option push\n.option arch, +d\nfmv.d.x f31, %0\n.option pop" : : "r"(value));
}

constexpr std::uint64_t pattern = 0x8786'8584'8382'8180, other = 0x1122'3344'5566'7788;

void check_integers() {
    store(pattern);
    check(carry_out(0x0005'b603, 0) == pattern, "ld");
    check(carry_out(0x0005'a603, 0) == 0xffff'ffff'8382'8180, "lw");
    check(carry_out(0x0005'd603, 0) == 0x8180, "lhu");
    carry_out(0x00c5'b023, other);
    check(stored() == other, "sd");
    carry_out(0x00c5'a023, pattern);
    check(stored() == 0x1122'3344'8382'8180, "sw");
}

void check_fp_accesses() {
    csr_set<Csr::sstatus>(Sstatus::FS::of(ExtensionState::initial));
    store(pattern);
    carry_out(0x0005'bf87, 0);  // fld f31, 0(a1)
    check(fp_register() == pattern, "fld");
    carry_out(0x0005'af87, 0);
    check(fp_register() == 0xffff'ffff'8382'8180, "flw");
    set_fp_register(other);
    carry_out(0x01f5'b027, 0);  // fsd f31, 0(a1)
    check(stored() == other, "fsd");
    csr_clear<Csr::sstatus>(Sstatus::FS::mask);
}

/// The exception that the guest gets instead; nothing where there was none.
std::optional<Exception> exception_of(std::uint32_t instruction, std::uint64_t trap_value) {
    const unsigned before = last_trap.count;
    carry_out(instruction, 0, false);
    if (last_trap.count != before + 1 || last_trap.stval != trap_value) return std::nullopt;
    return static_cast<Exception>(std::uint64_t{last_trap.scause});
}

/// QEMU 7.2 takes an AMO for a load.
bool is_misaligned(std::optional<Exception> exception) {
    return exception == Exception::load_address_misaligned ||
           exception == Exception::store_address_misaligned;
}

SbiResult delegate(std::uint64_t value) {
    return sbi_call(SbiExtension::fwft, SbiFwft::set, SbiFeature::misaligned_exc_deleg, value, 0u);
}

}  // namespace

void check_misaligned() {
    constexpr std::uint64_t second_page = alias + 2 * page_size;
    check(is_misaligned(exception_of(amo, data)), "an AMO is the guest's");
    check(delegate(1).ok(), "the guest takes misaligned accesses");
    const bool delegated = is_misaligned(exception_of(0x0005'b603, data));
    check(delegate(0).ok(), "the guest leaves misaligned accesses");
    check_integers();
    check_fp_accesses();
    check(exception_of(0x0005'b603, second_page) == Exception::load_page_fault,
          "a load reaches a page that is not there");
    check(exception_of(0x00c5'b023, second_page) == Exception::store_page_fault,
          "a store reaches a page that is not there");
    check(is_misaligned(exception_of(amo, data)), "an AMO is the guest's all the same");
    check(delegate(1).ok(), "the guest takes misaligned accesses again");
    check(is_misaligned(exception_of(0x0005'b603, data)) == delegated, "it gets them as before");
    println("misaligned accesses by bytes; exceptions reach the guest: {}", delegated);
}

}  // namespace cairn::guest
