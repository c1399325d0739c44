// SPDX-License-Identifier: MIT
// Stands in for kernel/arch/guest/hart_operations.hpp in host tests: records what was asked for.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "kernel/arch/guest/guest_state.hpp"
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {

struct VcpuContext;

struct GuestValue {
    std::uint64_t value;
    std::uint64_t fault;
};

struct FakeHart {
    std::map<std::uint64_t, std::uint8_t> guest_bytes{};    ///< by the guest's virtual address
    std::map<std::uint64_t, std::uint64_t> guest_faults{};  ///< scause of an access, by address
    std::optional<std::uint64_t> htinst_of_faults{};        ///< what a fault of a load leaves there
    unsigned gvma_fences = 0;
    unsigned vvma_fences = 0;  ///< of all addresses of all address spaces
    /// Others: the page, or -1; the address space, or -1.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> narrow_fences{};
    unsigned instruction_fences = 0;
    unsigned given_up_reservations = 0;
    unsigned vector_resets = 0;
    GuestFp fp{};                  ///< the FP registers
    std::uint64_t vector = 0;      ///< stands for v0 to v31
    GuestVector vector_control{};  ///< `registers` apart
    unsigned fp_saves = 0;
    unsigned fp_loads = 0;
    bool has_doubles = true;
    bool has_vectors = true;
    bool has_cache_blocks = true;     ///< cbo.clean, cbo.flush, cbo.inval
    std::uint64_t zeroed_block = 64;  ///< bytes that cbo.zero zeroes; 0: it traps
    bool (*loads_as_guest)(std::uint64_t address) = [](std::uint64_t) { return true; };
    /// What the guest does until it is left.
    void (*guest)(VcpuContext* context) = [](VcpuContext*) {};
    unsigned waits = 0;
    /// What happens while the hart sleeps; unless a test says otherwise, all deadlines pass.
    void (*on_wait)() = [] { csr_write<Csr::time>(~std::uint64_t{0}); };
};
inline thread_local FakeHart fake_hart;

extern "C" inline void enter_guest(VcpuContext* context) {
    fake_hart.guest(context);
}

inline void reset_guest_fp() {
    if (!fake_hart.has_doubles) fake_trap();
    fake_hart.fp = {};
}
inline void save_guest_fp_control(GuestFp* fp) {
    fp->fcsr = fake_hart.fp.fcsr;
}
inline void save_guest_fp(GuestFp* fp) {
    ++fake_hart.fp_saves;
    *fp = fake_hart.fp;
}
inline void load_guest_fp(const GuestFp* fp) {
    ++fake_hart.fp_loads;
    fake_hart.fp = *fp;
}
/// Where nothing is said, G-stage translation has nothing: a guest-page fault.
inline std::uint64_t guest_fault(std::uint64_t address, std::uint64_t otherwise) {
    const auto said = fake_hart.guest_faults.find(address);
    if (said != fake_hart.guest_faults.end()) return said->second;
    return fake_hart.guest_bytes.contains(address) ? 0 : otherwise;
}
inline GuestValue load_guest_byte(std::uint64_t address) {
    const std::uint64_t fault = guest_fault(address, 21);
    if (fault == 0) return {fake_hart.guest_bytes[address], 0};
    if (fake_hart.htinst_of_faults) csr_write<Csr::htinst>(*fake_hart.htinst_of_faults);
    return {~0ull, fault};
}
inline GuestValue store_guest_byte(std::uint64_t address, std::uint64_t byte) {
    const std::uint64_t fault = guest_fault(address, 23);
    if (fault == 0) fake_hart.guest_bytes[address] = static_cast<std::uint8_t>(byte);
    return {~0ull, fault};
}
inline GuestValue fetch_guest_half(std::uint64_t address) {
    const std::uint64_t fault = guest_fault(address, 21);
    if (fault != 0) return {~0ull, fault};
    const std::uint64_t high = fake_hart.guest_bytes[address + 1];
    return {fake_hart.guest_bytes[address] | high << 8, 0};
}
inline std::uint64_t read_fp_register(unsigned number) {
    return fake_hart.fp.f.at(number);
}
inline void write_fp_register(unsigned number, std::uint64_t bits) {
    fake_hart.fp.f.at(number) = bits;
}
inline void reset_guest_vector() {
    if (!fake_hart.has_vectors) fake_trap();
    ++fake_hart.vector_resets;
    fake_hart.vector = 0;
    fake_hart.vector_control = {};
}
inline void save_guest_vector_control(GuestVector* vector) {
    std::byte* const registers = vector->registers;
    *vector = fake_hart.vector_control;
    vector->registers = registers;
}
inline void save_guest_vector(GuestVector* vector) {
    save_guest_vector_control(vector);
    std::memcpy(vector->registers, &fake_hart.vector, sizeof fake_hart.vector);
}
inline void load_guest_vector(const GuestVector* vector) {
    fake_hart.vector_control = *vector;
    std::memcpy(&fake_hart.vector, vector->registers, sizeof fake_hart.vector);
}
enum class ExitPath : std::uint8_t { answering, renewing, sharing, watched };
inline std::uint64_t guest_exit_entry(ExitPath path) {
    switch (path) {
        case ExitPath::answering: return 0x1000;
        case ExitPath::renewing: return 0x3000;
        case ExitPath::sharing: return 0x4000;
        case ExitPath::watched: break;
    }
    return 0x2000;
}
inline void hfence_gvma_all() {
    ++fake_hart.gvma_fences;
}
inline void hfence_vvma_all() {
    ++fake_hart.vvma_fences;
}
inline void hfence_vvma_page(std::uint64_t address, std::uint64_t asid = ~std::uint64_t{0}) {
    fake_hart.narrow_fences.emplace_back(address, asid);
}
inline void hfence_vvma_address_space(std::uint64_t asid) {
    fake_hart.narrow_fences.emplace_back(~std::uint64_t{0}, asid);
}
inline void cbo_zero(std::uint64_t address) {
    if (fake_hart.zeroed_block == 0) fake_trap();
    const std::uint64_t base = address & ~(fake_hart.zeroed_block - 1);
    std::memset(reinterpret_cast<void*>(base), 0, fake_hart.zeroed_block);
}
inline void cbo_clean(std::uint64_t) {
    if (!fake_hart.has_cache_blocks) fake_trap();
}
inline void cbo_flush(std::uint64_t address) {
    cbo_clean(address);
}
inline void cbo_inval(std::uint64_t address) {
    cbo_clean(address);
}
inline std::uint64_t load_as_guest(std::uint64_t address) {
    if (!fake_hart.loads_as_guest(address)) fake_trap();
    return 0;
}
inline void fence_i() {
    ++fake_hart.instruction_fences;
}
inline void give_up_reservation() {
    ++fake_hart.given_up_reservations;
}
inline std::uint64_t as_it_is(std::uint64_t value) {
    return value;
}
inline void fence_csrs_and_memory() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void fence_memory_before_devices() {}
inline void wait_for_interrupt() {
    ++fake_hart.waits;
    fake_hart.on_wait();
}
inline std::uint64_t program_counter() {
    return 0;
}
inline std::uint64_t frame_pointer() {
    return 0;
}

}  // namespace cairn
