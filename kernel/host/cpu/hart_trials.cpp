// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/cpu/hart_trials.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/arch/start/guarded_call.hpp"
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};
constexpr std::uint64_t gibi = 1ull << 30;

/// What is written to, and a page table of one entry, which maps the gigabyte around it.
struct TrialMemory {
    alignas(frame_size) std::array<std::byte, frame_size> page;
    alignas(frame_size) std::array<std::uint64_t, frame_size / 8> root;
};
constinit TrialMemory trial_memory{};

std::uint64_t address_of(const void* object) {
    return reinterpret_cast<std::uint64_t>(object);
}

bool has_hypervisor_csrs() {
    return completes([] {
        (void)csr_read<Csr::hstatus>();
        (void)csr_read<Csr::hgatp>();
        (void)csr_read<Csr::henvcfg>();
        (void)csr_read<Csr::vsatp>();
    });
}

bool has_counters() {
    return completes([] {
        (void)csr_read<Csr::cycle>();
        (void)csr_read<Csr::time>();
        (void)csr_read<Csr::instret>();
    });
}

/// Whether `attempt` completes with FP and vector registers on.
template <class Attempt>
bool completes_with_registers(Attempt attempt) {
    const std::uint64_t before = csr_read<Csr::sstatus>();
    const bool completed = completes([&] {
        csr_set<Csr::sstatus>(Sstatus::FS::mask | Sstatus::VS::mask);
        attempt();
    });
    csr_write<Csr::sstatus>(before);
    return completed;
}

bool has_block_management() {
    return completes([] {
        const std::uint64_t page = address_of(&trial_memory.page);
        cbo_clean(page);
        cbo_flush(page);
        cbo_inval(page);  // the page is all a block can be, and its contents are nobody's
    });
}

/// Whether cbo.zero zeroes `size` bytes, no more and no less.
bool zeroes_blocks_of(std::uint32_t size) {
    auto& page = trial_memory.page;
    if (!is_block_size(size)) return false;
    page.fill(std::byte{1});
    if (!completes([&] { cbo_zero(address_of(&page) + (frame_size - size)); })) return false;
    const auto first_zero = std::ranges::find(page, std::byte{0});
    const auto zeroes = std::ranges::count(page, std::byte{0});
    return zeroes == static_cast<std::ptrdiff_t>(size) && first_zero == page.end() - zeroes;
}

/// Whether a guest's load by a page-table entry with `flags` works while henvcfg is `environment`.
bool translates(std::uint64_t flags, std::uint64_t environment) {
    const std::uint64_t page = address_of(&trial_memory.page);
    const HostPhys gigabyte{page & ~(gibi - 1)};
    trial_memory.root[0] = Pte::PPN::of(gigabyte.value >> paging::page_bits) | flags;
    csr_write<Csr::henvcfg>(environment);
    csr_write<Csr::hgatp>(0);
    csr_write<Csr::vsatp>(Satp::MODE::of(SatpMode::sv39) |
                          Satp::PPN::of(address_of(&trial_memory.root) >> paging::page_bits));
    csr_set<Csr::hstatus>(Hstatus::SPVP::mask);
    hfence_vvma_all();
    const bool loads = completes([&] { (void)load_as_guest(page & (gibi - 1)); });
    csr_write<Csr::vsatp>(0);
    csr_write<Csr::henvcfg>(0);
    hfence_vvma_all();
    return loads;
}

constexpr std::uint64_t readable = Pte::V::mask | Pte::R::mask;

bool has(IsaExtension extension, const MachineHart& hart) {
    switch (extension) {
        case IsaExtension::zicntr: return has_counters();
        case IsaExtension::sstc: return completes([] { csr_write<Csr::vstimecmp>(never); });
        case IsaExtension::smstateen:
        case IsaExtension::ssstateen: return completes([] { (void)csr_read<Csr::hstateen0>(); });
        case IsaExtension::f: return completes_with_registers([] { (void)csr_read<Csr::fcsr>(); });
        case IsaExtension::d: return completes_with_registers(reset_guest_fp);
        case IsaExtension::v: return completes_with_registers(reset_guest_vector);
        case IsaExtension::zicbom: return has_block_management();
        case IsaExtension::zicboz: return zeroes_blocks_of(hart.cboz_block_size);
        case IsaExtension::svadu: return translates(readable, Henvcfg::ADUE::of(true));
        case IsaExtension::svpbmt:
            return translates(readable | Pte::A::mask | Pte::PBMT::of(PageMemoryType::uncached),
                              Henvcfg::PBMTE::of(true));
        default: return true;
    }
}

}  // namespace

/// QEMU's marchid is no help: 7.2 and 8.0 tell their version there, 8.1 tells 0, as later ones do.
/// But what mended the timer let hideleg have the interrupts from 13 on (8.2, the series for
/// Smaia's virtual interrupts).
bool loses_guest_timers(std::string_view model) {
    if (!model.ends_with(",qemu")) return false;
    constexpr std::uint64_t custom_interrupt = std::uint64_t{1} << 24;
    csr_write<Csr::hideleg>(custom_interrupt);
    return csr_swap<Csr::hideleg>(0) == 0;
}

/// By a load: for hlvx, which is as good as a fetch, QEMU 10.0 leaves htinst 0.
bool writes_htinst(std::uint64_t nothing) {
    csr_write<Csr::vsatp>(0);
    csr_write<Csr::hgatp>(nothing);
    csr_write<Csr::htinst>(0);
    const bool faults = load_guest_byte(0).fault != 0;
    const bool tells = faults && csr_read<Csr::htinst>() != 0;
    csr_write<Csr::hgatp>(0);
    hfence_gvma_all();
    return tells;
}

bool is_interrupted_by(HostPhys set_ssip) {
    constexpr unsigned looks = 100'000;  // the store may take its time to get there
    csr_clear<Csr::sip>(Sip::SSIP::mask);
    if (!completes([&] { *reinterpret_cast<volatile std::uint32_t*>(set_ssip.value) = 1; })) {
        return false;
    }
    for (unsigned look = 0; look < looks; ++look) {
        if (Sip::SSIP::get(csr_read<Csr::sip>())) {
            csr_clear<Csr::sip>(Sip::SSIP::mask);
            return true;
        }
    }
    return false;
}

Stage2Abilities stage2_abilities() {
    Stage2Abilities found;
    for (const Stage2Mode mode : all_stage2_modes) {
        const std::uint64_t wanted = stage2::hgatp(mode, Hgatp::VMID::max, HostPhys{0});
        csr_write<Csr::hgatp>(wanted);
        const std::uint64_t kept = csr_swap<Csr::hgatp>(0);
        if (Hgatp::MODE::get(kept) != Hgatp::MODE::get(wanted)) continue;
        found.modes |= 1u << static_cast<unsigned>(mode);
        found.vmid_bits = static_cast<unsigned>(std::popcount(Hgatp::VMID::get(kept)));
    }
    return found;
}

std::uint32_t vector_register_bytes() {
    std::uint64_t bytes = 0;
    (void)completes_with_registers([&] { bytes = csr_read<Csr::vlenb>(); });
    return static_cast<std::uint32_t>(bytes);
}

bool is_block_size(std::uint32_t bytes) {
    return std::has_single_bit(bytes) && bytes <= frame_size;
}

IsaSet missing_extensions(const IsaSet& claimed, const MachineHart& hart) {
    IsaSet missing;
    if (!has_hypervisor_csrs()) return {IsaExtension::h};  // some of the rest needs them
    for (const IsaRow& row : isa_rows) {
        if (claimed.contains(row.extension) && !has(row.extension, hart)) {
            missing.insert(row.extension);
        }
    }
    return missing;
}

}  // namespace cairn
