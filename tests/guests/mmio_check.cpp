// SPDX-License-Identifier: MIT
// Devices behind every integer load and store of RV64IMAC: what arrives, sign or zero above it, and
// in which register. And the debug console. All of it holds on QEMU's virt too, but for the
// refusals of the UART, whose model there takes any width.
#include <array>

#include "kernel/arch/devices/plic_registers.hpp"
#include "tests/guests/guest_runtime.hpp"
#include "tests/guests/runtime_check.hpp"

namespace cairn::guest {
namespace {

// The clock's alarm: two plain words, since its interrupt is off.
constexpr std::uint64_t word_at = 0x0010'1008;
constexpr std::uint64_t next_word = 4;
// Sources 1 to 31 in the enable bits of hart 0's S-mode context, none of which is up: after a first
// load Cairn's guests read them without an exit.
constexpr std::uint64_t plic_base = 0x0c00'0000;
constexpr std::uint64_t shown_at = plic_base + plic::enable(plic::supervisor_context(0), 0);
constexpr std::uint64_t virtio_base = 0x1000'1000;
constexpr std::uint64_t virtio_end = 0x1000'9000;
constexpr std::uint64_t scratch_at = uart_base + 7;  // a byte of memory in the UART

// Registers that the compressed forms reach too; without `norvc` the assembler would use those
// where it can.
#define LOAD(mnemonic, address) LOAD_AS("norvc", mnemonic, address)
#define STORE(mnemonic, address, content) STORE_AS("norvc", mnemonic, address, content)
#define LOAD_AS(option, mnemonic, address)                                                      \
    [](std::uint64_t where) {                                                                   \
        register std::uint64_t at asm("a4") = where;                                            \
        register std::uint64_t value asm("a5") = 0x5555'5555'5555'5555;                         \
        asm volatile(".option push\n .option " option "\n " mnemonic " %0, 0(%1)\n .option pop" \
                     : "+r"(value)                                                              \
                     : "r"(at)                                                                  \
                     : "memory");                                                               \
        return value;                                                                           \
    }(address)
#define STORE_AS(option, mnemonic, address, content)                                            \
    [](std::uint64_t where, std::uint64_t what) {                                               \
        register std::uint64_t at asm("a4") = where;                                            \
        register std::uint64_t value asm("a5") = what;                                          \
        asm volatile(".option push\n .option " option "\n " mnemonic " %0, 0(%1)\n .option pop" \
                     :                                                                          \
                     : "r"(value), "r"(at)                                                      \
                     : "memory");                                                               \
    }(address, content)

void expect(std::string_view what, std::uint64_t actual, std::uint64_t expected) {
    println("{:<8} {:#018x}", what, actual);
    check(actual == expected, what);
}

void check_words() {
    STORE("sw", word_at, 0xffff'ffff'8765'4320);
    expect("lw", LOAD("lw", word_at), 0xffff'ffff'8765'4320);
    expect("lwu", LOAD("lwu", word_at), 0x8765'4320);
    expect("c.lw", LOAD_AS("rvc", "c.lw", word_at), 0xffff'ffff'8765'4320);
    STORE_AS("rvc", "c.sw", word_at, 0x1234'5678'0fed'cba8);
    expect("c.sw", LOAD("lw", word_at), 0x0fed'cba8);
}

void check_word_offsets() {
    STORE("sw", word_at + next_word, 0x7bcd'ef01);
    register std::uint64_t at asm("a4") = word_at;
    register std::uint64_t compressed asm("a5") = 0;
    asm volatile("c.lw %0, 4(%1)" : "=r"(compressed) : "r"(at) : "memory");
    expect("c.lw 4", compressed, 0x7bcd'ef01);
    std::uint64_t value = 0;
    asm volatile("lw %0, -4(%1)" : "=r"(value) : "r"(word_at + 8) : "memory");
    expect("lw -4", value, 0x7bcd'ef01);
    asm volatile("mv t1, sp\n mv sp, %1\n c.lwsp %0, 4(sp)\n mv sp, t1"
                 : "=&r"(value)
                 : "r"(word_at)
                 : "t1", "memory");
    expect("c.lwsp", value, 0x7bcd'ef01);
    asm volatile("mv t1, sp\n mv sp, %1\n c.swsp %0, 4(sp)\n mv sp, t1"
                 :
                 : "r"(0x3141'5926), "r"(word_at)
                 : "t1", "memory");
    expect("c.swsp", LOAD("lw", word_at + next_word), 0x3141'5926);
}

void check_bytes() {
    STORE("sb", scratch_at, 0xffff'ff80);
    expect("lb", LOAD("lb", scratch_at), 0xffff'ffff'ffff'ff80);
    expect("lbu", LOAD("lbu", scratch_at), 0x80);
    STORE("sb", scratch_at, 0x17f);
    expect("lb 7f", LOAD("lb", scratch_at), 0x7f);
}

/// A load into each register that the compiler lets go, and a store from each; and the others stay.
#define EACH_REGISTER(each)                                                                       \
    each(ra) each(t0) each(t1) each(t2) each(a0) each(a1) each(a2) each(a3) each(a4) each(a5)     \
        each(a6) each(a7) each(s1) each(s2) each(s3) each(s4) each(s5) each(s6) each(s7) each(s8) \
            each(s9) each(s10) each(s11) each(t3) each(t4) each(t5)
#define THROUGH_REGISTER(name)                                        \
    asm volatile("li " #name ", -2\n sw " #name ", 0(%1)\n li " #name \
                 ", 7\n"                                              \
                 "lwu " #name ", 0(%1)\n mv %0, " #name               \
                 : "=r"(value)                                        \
                 : "r"(at)                                            \
                 : #name, "memory");                                  \
    right = right && value == 0xffff'fffe;                            \
    *reinterpret_cast<volatile std::uint32_t*>(word_at) = 0;

void check_registers() {
    register std::uint64_t at asm("t6") = word_at;
    register std::uint64_t value asm("t6");
    bool right = true;
    EACH_REGISTER(THROUGH_REGISTER)
    check(right, "every register loads from a device and stores to it");
    asm volatile("lw zero, 0(%0)" : : "r"(word_at) : "memory");
    std::uint64_t zero = 1;
    asm volatile("mv %0, zero" : "=r"(zero));
    expect("zero", zero, 0);
    asm volatile("sw zero, 0(%0)" : : "r"(word_at) : "memory");
}

/// What is stored to a register that is read without an exit is there at once.
void check_shown() {
    for (const std::uint32_t stored : {0xffff'fffeu, 0x1357'9bd0u, 0u}) {
        STORE("sw", shown_at, stored);
        expect("shown", LOAD("lwu", shown_at), stored);
    }
}

/// Counts the exceptions of `access` and names the last.
template <class Access>
void refused(std::string_view what, Access access) {
    const unsigned before = last_trap.count;
    access();
    const bool once = last_trap.count == before + 1;
    println("{}: {} at {:#x}", what, once ? trap_cause_name(last_trap.scause) : "no trap",
            std::uint64_t{last_trap.stval});
    check(once, what);
}

}  // namespace

void check_mmio() {
    check_words();
    check_word_offsets();
    check_bytes();
    check_registers();
    check_shown();
    check(last_trap.count == 0, "no access was refused");
}

void check_refused_mmio() {
    refused("lb of a word register", [] { LOAD("lb", word_at); });
    refused("lhu of a word register", [] { LOAD("lhu", word_at); });
    refused("ld of a word register", [] { LOAD("ld", word_at); });
    refused("c.ld of a word register", [] { LOAD_AS("rvc", "c.ld", word_at); });
    refused("sb to a word register", [] { STORE("sb", word_at, 1); });
    refused("sh to a word register", [] { STORE("sh", word_at, 1); });
    refused("sd to a word register", [] { STORE("sd", word_at, 1); });
    refused("c.sd to a word register", [] { STORE_AS("rvc", "c.sd", word_at, 1); });
    refused("lw of the UART", [] { LOAD("lw", uart_base + 4); });
    refused("sh to the UART", [] { STORE("sh", uart_base + 6, 1); });
    expect("lwu", LOAD("lwu", word_at), 0);
}

void check_virtio_slots() {
    for (std::uint64_t slot = virtio_base; slot < virtio_end; slot += 0x1000) {
        STORE("sw", slot + 0x70, 1);
        println("{:#x}: {:#x} {} {} {:#x}, {} {} {}, {:#x} {:#x} {:#x}", slot,
                LOAD("lwu", slot + 0x0), LOAD("lwu", slot + 0x4), LOAD("lwu", slot + 0x8),
                LOAD("lwu", slot + 0xc), LOAD("lwu", slot + 0x10), LOAD("lwu", slot + 0x70),
                LOAD("lwu", slot + 0x1fc), LOAD("lbu", slot), LOAD("lhu", slot),
                LOAD("ld", slot + 0x8));
    }
    check(last_trap.count == 0, "no access was refused");
    refused("lw behind the last", [] { LOAD("lw", virtio_end - 0xe00); });
}

void check_debug_console() {
    check(sbi_has(SbiExtension::dbcn), "SBI has DBCN");
    constexpr std::string_view greeting = "written by DBCN\r\n";
    const auto address = reinterpret_cast<std::uint64_t>(greeting.data());
    const SbiResult written =
        sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, greeting.size(), address, 0u);
    check(written.ok() && written.value == greeting.size(), "console_write writes all");
    for (const char each : {'b', 'y', 't', 'e', 's', '\r', '\n'})
        sbi_call(SbiExtension::dbcn, SbiDbcn::console_write_byte, each);
    std::array<char, 64> line{};
    std::size_t length = 0;
    while (length < line.size() && (length == 0 || line[length - 1] != '.')) {
        const SbiResult read =
            sbi_call(SbiExtension::dbcn, SbiDbcn::console_read, line.size() - length,
                     reinterpret_cast<std::uint64_t>(&line[length]), 0u);
        check(read.ok(), "console_read reads");
        if (!read.ok()) break;
        length += read.value;
    }
    println("read by DBCN, and written:");
    sbi_call(SbiExtension::dbcn, SbiDbcn::console_write, length,
             reinterpret_cast<std::uint64_t>(line.data()), 0u);
    println();
}

}  // namespace cairn::guest
