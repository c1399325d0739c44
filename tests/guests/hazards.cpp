// SPDX-License-Identifier: MIT
// Does one thing that no guest should do, by the name in its arguments, and says what came of it.
// On Cairn as on a bare machine each must end in an exception of the guest, an SBI error or the
// guest's own end; never in the host's.
#include <array>

#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::uint64_t nowhere = 0x1800'0000;  // neither RAM nor a device, on QEMU's virt too

void report(std::string_view what) {
    println("{}: {} (scause {}, stval {:#x}), {} so far", what, trap_cause_name(last_trap.scause),
            std::uint64_t{last_trap.scause}, std::uint64_t{last_trap.stval},
            unsigned{last_trap.count});
}

void jump_to_nowhere() {
    reinterpret_cast<void (*)()>(nowhere)();
    report("jump");
}

void jump_without_handler() {
    csr_write<Csr::stvec>(0);
    reinterpret_cast<void (*)()>(nowhere)();
    println("not reached");
}

template <class T>
void touch(std::string_view what) {
    auto* const place = reinterpret_cast<volatile T*>(nowhere);
    const T value = *place;
    report(what);
    *place = value;
    report(what);
}

void touch_nowhere() {
    touch<std::uint8_t>("byte");
    touch<std::uint16_t>("half");
    touch<std::uint32_t>("word");
    touch<std::uint64_t>("double word");
    asm volatile("amoadd.w zero, zero, (%0)" : : "r"(nowhere) : "memory");
    report("AMO");
    asm volatile("amoadd.w zero, zero, (%0)" : : "r"(uart_base) : "memory");
    report("AMO on a device");
    (void)*reinterpret_cast<volatile std::uint64_t*>(uart_base);
    report("double word of a device");
}

void execute_illegal() {
    asm volatile(".word 0");
    report("illegal");
    asm volatile("csrr t0, 0x5c0" : : : "t0");  // a CSR that nobody has
    report("unknown CSR");
    asm volatile("csrr t0, mstatus" : : : "t0");
    report("machine CSR");
}

void execute_hypervisor_instructions() {
    asm volatile(".option push\n.option arch, +h\nhfence.gvma\n.option pop");
    report("hfence.gvma");
    asm volatile(".option push\n.option arch, +h\nhlv.w t0, (sp)\n.option pop" : : : "t0");
    report("hlv.w");
    asm volatile("csrw %0, zero" : : "i"(static_cast<int>(Csr::hgatp)));
    report("write of hgatp");
    asm volatile("csrr t0, %0" : : "i"(static_cast<int>(Csr::vsatp)) : "t0");
    report("read of vsatp");
}

void call_unknown_sbi() {
    const SbiResult extension = sbi_call_raw(0x1234'5678, 0);
    println("unknown extension: {}", to_string(extension.code()));
    const SbiResult function = sbi_call(SbiExtension::base, std::uint64_t{99});
    println("unknown function: {}", to_string(function.code()));
    const SbiResult hart = sbi_call(SbiExtension::hsm, SbiHsm::hart_get_status, 77);
    println("unknown hart: {}", to_string(hart.code()));
    const SbiResult memory = sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, 64u, nowhere, 0u);
    println("buffer outside RAM: {}", to_string(memory.code()));
    const SbiResult wrap =
        sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, ~0ull, 0x8020'0000u, 0u);
    println("buffer of 2^64 - 1 bytes: {}", to_string(wrap.code()));
    const SbiResult reset = sbi_call(SbiExtension::srst, SbiSrst::system_reset, 77u, 0u);
    println("unknown reset type: {}", to_string(reset.code()));
}

void power_off_in_the_middle() {
    println("the last line is cut shor");
    print("this one never en");
    power_off();
}

void reset_again() {
    // Memory does not survive a reset: the guest is loaded afresh, so it asks again for ever. The
    // test counts the greetings and ends the machine.
    println("hello again");
    sbi_call(SbiExtension::srst, SbiSrst::system_reset, SbiResetType::cold_reboot,
             SbiResetReason::none);
}

void power_off_by_device() {
    println("writing 0x5555 to the test device");
    *reinterpret_cast<volatile std::uint32_t*>(0x10'0000) = 0x5555;
    println("not reached");
}

void fail_by_device() {
    println("writing 0x3333 to the test device");
    *reinterpret_cast<volatile std::uint32_t*>(0x10'0000) = 0x0001'3333;
    println("not reached");
}

// Sv39: RAM and devices where they are, and at `alias` two pages of code with an entry each.
constexpr std::size_t page_size = 4096;
constexpr std::uint64_t alias = 0xc000'0000;
constexpr std::uint64_t device = 0x0c00'0004;  // a register of the PLIC
using Table = std::array<std::uint64_t, page_size / 8>;
alignas(page_size) constinit Table root{}, middle{}, leaves{};
alignas(page_size) constinit std::array<std::uint16_t, page_size> code{};  // two pages

std::uint64_t entry(const void* page, std::uint64_t flags) {
    return reinterpret_cast<std::uint64_t>(page) / page_size << 10 | flags;
}
constexpr std::uint64_t branch = 0x01, executable = 0x4b, everything = 0xcf;  // V, A, D, and RWX

void turn_paging_on() {
    root[0] = everything;
    root[2] = entry(reinterpret_cast<const void*>(0x8000'0000), everything);
    root[3] = entry(&middle, branch);
    middle[0] = entry(&leaves, branch);
    leaves[0] = entry(&code, executable);
    leaves[1] = entry(&code[page_size / 2], executable);
    csr_write<Csr::satp>(8ull << 60 | reinterpret_cast<std::uint64_t>(&root) / page_size);
    asm volatile("sfence.vma" : : : "memory");
}

void place(std::size_t offset, std::uint32_t instruction) {
    code[offset / 2] = static_cast<std::uint16_t>(instruction);
    code[offset / 2 + 1] = static_cast<std::uint16_t>(instruction >> 16);
}

/// jal zero, `distance`
constexpr std::uint32_t jump(int distance) {
    const auto bits = static_cast<std::uint32_t>(distance);
    return (bits >> 20 & 1) << 31 | (bits >> 1 & 0x3ff) << 21 | (bits >> 11 & 1) << 20 |
           (bits & 0xff000) | 0x6f;
}

/// A load from a device, at `offset` in the alias, where a page of the load has just gone: the hart
/// has used both and may still know them, and then it is the hypervisor that finds nothing there.
void load_behind_the_page_table(std::string_view what, int offset, std::uint64_t& leaf) {
    constexpr int first = 0x100, second = page_size + 0x100;
    place(first, jump(second - first));
    place(second, 0x0005'3023);  // sd zero, 0(a0)
    place(second + 4, jump(offset - (second + 4)));
    place(static_cast<std::size_t>(offset), 0x0005'a603);      // lw a2, 0(a1)
    place(static_cast<std::size_t>(offset) + 4, 0x0000'8067);  // ret
    asm volatile("fence.i" : : : "memory");
    turn_paging_on();
    reinterpret_cast<void (*)(std::uint64_t*, std::uint64_t)>(alias + first)(&leaf, device);
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
    report(what);
}

void pull_code_away() {
    load_behind_the_page_table("aligned", 0x200, leaves[0]);
    load_behind_the_page_table("not aligned", 0x206, leaves[0]);
    load_behind_the_page_table("second half", page_size - 2, leaves[1]);
}

// What the two pages of the alias are for accesses that lie on both, at `crossing`.
constexpr std::uint64_t crossing = alias + page_size - 2;
constexpr std::uint64_t threshold = 0x0c20'0000;  // of the PLIC, at a page's start
constexpr std::uint64_t test_device = 0x10'0000;

void map_alias(const void* first, const void* second) {
    turn_paging_on();
    leaves[0] = entry(first, everything);
    leaves[1] = entry(second, everything);
    asm volatile("sfence.vma" : : : "memory");
}

void turn_paging_off() {
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
}

/// One instruction, so that what is remembered of it from one place counts at the other.
[[gnu::noinline]] std::uint32_t load_word(std::uint64_t at) {
    std::uint32_t value;
    asm volatile("lw %0, 0(%1)" : "=r"(value) : "r"(at) : "memory");
    return value;
}
[[gnu::noinline]] void store_word(std::uint64_t at, std::uint32_t value) {
    asm volatile("sw %1, 0(%0)" : : "r"(at), "r"(value) : "memory");
}

/// Every form of access at `crossing`, whose trap handler has its stack on the alias's first page
/// or on the usual one.
void cross(bool with_stack) {
    (void)load_word(crossing);
    report("lw");
    store_word(crossing, 0x5555);
    report("sw");
    asm volatile("ld zero, 2(%0)" : : "r"(crossing - 4) : "memory");
    report("ld");
    asm volatile("sd %1, -2(%0)" : : "r"(crossing + 2), "r"(0x5555) : "memory");
    report("sd");
    asm volatile("mv a5, %0\nc.lw a4, 4(a5)" : : "r"(crossing - 4) : "a4", "a5", "memory");
    report("c.lw");
    asm volatile("mv a5, %0\nmv a4, %1\nc.sd a4, 8(a5)"
                 :
                 : "r"(crossing - 8), "r"(0x5555)
                 : "a4", "a5", "memory");
    report("c.sd");
    if (!with_stack) return;
    asm volatile("mv s2, sp\nmv sp, %0\nc.lwsp a4, 252(sp)\nmv sp, s2"
                 :
                 : "r"(crossing - 252)
                 : "a4", "s2", "memory");
    report("c.lwsp");
    asm volatile("mv s2, sp\nmv sp, %0\nmv a4, %1\nc.sdsp a4, 504(sp)\nmv sp, s2"
                 :
                 : "r"(crossing - 504), "r"(0x5555)
                 : "a4", "s2", "memory");
    report("c.sdsp");
    csr_set<Csr::sstatus>(Sstatus::FS::of(ExtensionState::initial));
    asm volatile(".option push\n.option arch, +d\nfld ft0, 0(%0)\n.option pop"
                 :
                 : "r"(crossing)
                 : "memory");
    report("fld");
    asm volatile(".option push\n.option arch, +d\nfsw ft0, 0(%0)\n.option pop"
                 :
                 : "r"(crossing)
                 : "memory");
    report("fsw");
    csr_clear<Csr::sstatus>(Sstatus::FS::mask);
}

/// Misaligned accesses that lie in RAM and in a device, of which none may reach the device.
void cross_into_devices() {
    auto* const at_threshold = reinterpret_cast<void*>(threshold);
    store_word(threshold, 3);
    map_alias(&code, at_threshold);
    cross(true);
    println("the threshold is {}", load_word(alias + page_size));
    (void)load_word(crossing);
    report("lw, known");
    store_word(alias + page_size, 5);
    store_word(crossing, 0x5555);
    report("sw, known");
    println("the threshold is {}", load_word(alias + page_size));
    map_alias(at_threshold, &code);
    cross(false);
    map_alias(&code, reinterpret_cast<void*>(test_device));
    store_word(crossing, 0x5555);
    report("sw to the test device");
    turn_paging_off();
}

void lose_page_table() {
    csr_write<Csr::satp>(8ull << 60 | nowhere / page_size);
    asm volatile("sfence.vma" : : : "memory");
    println("not reached");
}

/// A table of which the entry for the alias leads nowhere.
void lose_table_of_alias() {
    turn_paging_on();
    root[3] = entry(reinterpret_cast<const void*>(nowhere), branch);
    asm volatile("sfence.vma" : : : "memory");
}

void lose_table_of_handler() {
    lose_table_of_alias();
    csr_write<Csr::stvec>(alias);
    asm volatile(".word 0");
    println("not reached");
}

void lose_table_of_data() {
    lose_table_of_alias();
    (void)load_word(alias + 0x123);
    report("load");
    store_word(alias + 0x123, 1);
    report("store");
    reinterpret_cast<void (*)()>(alias + 0x124)();
    report("jump");
    turn_paging_off();
}

void fault_in_handler() {
    asm volatile(
        "la t0, 1f\n"
        "csrw stvec, t0\n"
        ".balign 4\n"
        "1: lw zero, 0(%0)\n"
        :
        : "r"(nowhere)
        : "t0", "memory");
    println("not reached");
}

struct Hazard {
    std::string_view name;
    void (*run)();
};
constexpr std::array hazards{
    Hazard{"jump-to-nowhere", jump_to_nowhere},
    Hazard{"jump-without-handler", jump_without_handler},
    Hazard{"touch-nowhere", touch_nowhere},
    Hazard{"illegal-instruction", execute_illegal},
    Hazard{"hypervisor-instruction", execute_hypervisor_instructions},
    Hazard{"pull-code-away", pull_code_away},
    Hazard{"cross-into-devices", cross_into_devices},
    Hazard{"lose-page-table", lose_page_table},
    Hazard{"lose-table-of-handler", lose_table_of_handler},
    Hazard{"lose-table-of-data", lose_table_of_data},
    Hazard{"fault-in-handler", fault_in_handler},
    Hazard{"unknown-sbi-call", call_unknown_sbi},
    Hazard{"power-off-in-the-middle", power_off_in_the_middle},
    Hazard{"reset", reset_again},
    Hazard{"power-off-by-device", power_off_by_device},
    Hazard{"fail-by-device", fail_by_device},
    Hazard{"fail", [] { power_off(true); }},
};

}  // namespace

void run(std::string_view arguments) {
    for (const Hazard& hazard : hazards) {
        if (hazard.name != arguments) continue;
        println("hazard {}", hazard.name);
        hazard.run();
        println("survived {}", hazard.name);
        return;
    }
    println("no hazard is called '{}'", arguments);
    power_off(true);
}

}  // namespace cairn::guest
