// SPDX-License-Identifier: MIT
// Instructions of the H extension and barriers that C++ has no words for. Impure; the host build
// takes tests/fakes/kernel/arch/guest/hart_operations.hpp instead, by include path.
#pragma once

#include <cstdint>

namespace cairn {

struct GuestFp;
struct GuestVector;
/// What an access to the guest's memory gave: `fault` is 0, or the scause with which it ended.
struct GuestValue {
    std::uint64_t value;
    std::uint64_t fault;
};

extern "C" {
/// Through the guest's own translation, as it was when the hart left it
/// (kernel/arch/guest/guest_bytes.S). The trap CSRs of the exit are lost where one faults.
GuestValue load_guest_byte(std::uint64_t address);
/// Stores the low byte; the answer's value is none.
GuestValue store_guest_byte(std::uint64_t address, std::uint64_t byte);
/// 16 bits of an instruction, with the guest's execute permission.
GuestValue fetch_guest_half(std::uint64_t address);
/// f`number` of the guest, below 32 (kernel/arch/guest/fp_registers.S). Needs sstatus.FS other than
/// off, and a hart with D.
std::uint64_t read_fp_register(unsigned number);
void write_fp_register(unsigned number, std::uint64_t bits);
/// Zeroes f0..f31 and fcsr. Needs sstatus.FS other than off, and a hart with D.
void reset_guest_fp();
/// Zeroes v0..v31 and the vector CSRs; vtype is an illegal one, as after reset. Needs sstatus.VS
/// other than off, and a hart with V.
void reset_guest_vector();
/// Between the hart and the values of kernel/arch/guest/guest_state.hpp, under the same conditions.
/// Those of `control` save the control registers alone.
void save_guest_fp(GuestFp* fp);
void save_guest_fp_control(GuestFp* fp);
void load_guest_fp(const GuestFp* fp);
void save_guest_vector(GuestVector* vector);
void save_guest_vector_control(GuestVector* vector);
void load_guest_vector(const GuestVector* vector);
/// Not functions: where traps of the guest go (kernel/arch/guest/fast_exits.S, world_switch.S).
void guest_exit();
void renewing_guest_exit();
void watched_guest_exit();
void sharing_guest_exit();
}

/// What the world switch does by itself.
enum class ExitPath : std::uint8_t {
    answering,  ///< answers the calls and interrupts that come most
    renewing,   ///< the same, and the host's timer is the tick that renews the guest's
    sharing,    ///< answers calls; interrupts of the machine are C++'s
    watched,    ///< nothing: C++ sees every exit
};

/// The value of VcpuContext::exit_entry for `path`.
[[nodiscard]] inline std::uint64_t guest_exit_entry(ExitPath path) {
    switch (path) {
        case ExitPath::answering: return reinterpret_cast<std::uint64_t>(guest_exit);
        case ExitPath::renewing: return reinterpret_cast<std::uint64_t>(renewing_guest_exit);
        case ExitPath::sharing: return reinterpret_cast<std::uint64_t>(sharing_guest_exit);
        case ExitPath::watched: break;
    }
    return reinterpret_cast<std::uint64_t>(watched_guest_exit);
}

/// `value`, of which the compiler knows nothing more: what is made of it stays as it is written,
/// where a mask would take an instruction or two to make. Shaped for: "MMIO read, PLIC".
[[gnu::always_inline]] inline std::uint64_t as_it_is(std::uint64_t value) {
    asm("" : "+r"(value));
    return value;
}

/// Forgets all translations of this hart's own address space, and orders what was stored into its
/// page table before what is looked up there.
inline void sfence_vma_all() {
    asm volatile("sfence.vma" : : : "memory");
}
/// Forgets all G-stage translations of this hart, of every VMID.
inline void hfence_gvma_all() {
    asm volatile(".option push\n.option arch, +h\nhfence.gvma\n.option pop" : : : "memory");
}
/// Forgets all VS-stage translations of the VMID in hgatp on this hart.
inline void hfence_vvma_all() {
    asm volatile(".option push\n.option arch, +h\nhfence.vvma\n.option pop" : : : "memory");
}
/// The same of one page, of one address space, or of both.
inline void hfence_vvma_page(std::uint64_t address) {
    asm volatile(".option push\n.option arch, +h\nhfence.vvma %0\n.option pop"
                 :
                 : "r"(address)
                 : "memory");
}
inline void hfence_vvma_address_space(std::uint64_t asid) {
    asm volatile(".option push\n.option arch, +h\nhfence.vvma zero, %0\n.option pop"
                 :
                 : "r"(asid)
                 : "memory");
}
inline void hfence_vvma_page(std::uint64_t address, std::uint64_t asid) {
    asm volatile(".option push\n.option arch, +h\nhfence.vvma %0, %1\n.option pop"
                 :
                 : "r"(address), "r"(asid)
                 : "memory");
}
/// Makes stores visible to this hart's instruction fetches.
inline void fence_i() {
    asm volatile("fence.i" : : : "memory");
}
/// What was written to CSRs, sip above all, is done before memory is looked at: accesses to CSRs
/// count as input and output (Unprivileged ISA, Zicsr, "CSR Access Ordering").
inline void fence_csrs_and_memory() {
    asm volatile("fence iorw, iorw" : : : "memory");
}
/// Gives up what an lr on this hart has reserved: an sc to a word that is nobody's (Unprivileged
/// ISA, "Zalrsc", section "Load-Reserved/Store-Conditional Instructions"). A trap and its return
/// need not.
inline void give_up_reservation() {
    std::uint32_t scratch;
    asm volatile("sc.w zero, zero, %0" : "=A"(scratch) : : "memory");
}
/// What Zicboz and Zicbom do to the cache block at `address`.
inline void cbo_zero(std::uint64_t address) {
    asm volatile(".option push\n.option arch, +zicboz\ncbo.zero (%0)\n.option pop"
                 :
                 : "r"(address)
                 : "memory");
}
inline void cbo_clean(std::uint64_t address) {
    asm volatile(".option push\n.option arch, +zicbom\ncbo.clean (%0)\n.option pop"
                 :
                 : "r"(address)
                 : "memory");
}
inline void cbo_flush(std::uint64_t address) {
    asm volatile(".option push\n.option arch, +zicbom\ncbo.flush (%0)\n.option pop"
                 :
                 : "r"(address)
                 : "memory");
}
inline void cbo_inval(std::uint64_t address) {
    asm volatile(".option push\n.option arch, +zicbom\ncbo.inval (%0)\n.option pop"
                 :
                 : "r"(address)
                 : "memory");
}
/// A load as the guest would do it, by vsatp, hgatp and hstatus.SPVP of now (HLV.D).
inline std::uint64_t load_as_guest(std::uint64_t address) {
    std::uint64_t value;
    asm volatile(".option push\n.option arch, +h\nhlv.d %0, (%1)\n.option pop"
                 : "=r"(value)
                 : "r"(address)
                 : "memory");
    return value;
}
/// Stores to memory so far are seen before later stores to devices are.
inline void fence_memory_before_devices() {
    asm volatile("fence w, o" : : : "memory");
}
/// Sleeps until an interrupt that sie or hie enables is pending; may return early.
inline void wait_for_interrupt() {
    asm volatile("wfi" : : : "memory");
}
/// An address in the function that asks.
inline std::uint64_t program_counter() {
    std::uint64_t here;
    asm("auipc %0, 0" : "=r"(here));
    return here;
}
/// The frame pointer of the caller.
inline std::uint64_t frame_pointer() {
    return reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
}

}  // namespace cairn
