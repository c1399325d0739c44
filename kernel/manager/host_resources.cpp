// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/host_resources.hpp"

#include <algorithm>
#include <bit>

#include <cairn/escape.hpp>
#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/cpu/hart_trials.hpp"
#include "kernel/host/cpu/host_timer.hpp"

namespace cairn {
namespace {

constexpr std::size_t max_reserved = max_reserved_ranges + 5;

/// Everything in RAM that is not to be given away: what the tree reserves, the hypervisor itself,
/// what the boot loader left for it, and page 0, which is never mapped.
auto reserved_ranges(const ThisMachine& self) {
    static_vector<HostRange, max_reserved> reserved;
    bool fits = reserved.try_push_back({{0}, frame_size});
    fits = reserved.try_push_back(self.device_tree) && fits;
    for (const HostRange& range : self.own)
        fits = reserved.try_push_back(range) && fits;
    if (self.machine.initrd) fits = reserved.try_push_back(*self.machine.initrd) && fits;
    for (const HostRange& range : self.machine.reserved) {
        fits = reserved.try_push_back(range) && fits;
    }
    require(fits, "the list of reserved ranges has room for the machine's and five more");
    return reserved;
}

/// The narrowest G-stage mode that the hart has. Two terabytes of guest addresses, which Sv39x4
/// gives, are enough for every guest that fits, and its walks are the shortest.
std::optional<Stage2Mode> narrowest_stage2_mode(const Stage2Abilities& hart) {
    for (const Stage2Mode mode : all_stage2_modes) {
        if (hart.has(mode)) return mode;
    }
    return std::nullopt;
}

/// What needs the FP registers, which are opened whole (F and D) or not at all.
constexpr std::array fp_extensions{
    IsaExtension::f,   IsaExtension::d,      IsaExtension::zfa, IsaExtension::zfbfmin,
    IsaExtension::zfh, IsaExtension::zfhmin, IsaExtension::zcd,
};

/// What a node says of its hart, for a sentence: its list, joined as the string would be.
struct IsaText {
    const MachineHart& hart;
};

void format_value(Writer& out, const IsaText& text) {
    const FdtStrings& list = text.hart.isa_extensions;
    Escaper escaper(out, '\'');
    escaper.put(list.text().empty() ? text.hart.isa : text.hart.isa_base);
    for (const std::string_view name : list) {
        escaper.put('_');
        escaper.put(name);
    }
    escaper.finish();
}

void say_what_is_missing(std::uint64_t hart, const IsaSet& missing) {
    if (missing == IsaSet{}) return;
    FixedBuffer<128> names;
    for (const IsaRow& row : isa_rows) {
        if (!missing.contains(row.extension)) continue;
        print(names, "{}{}", names.view().empty() ? "" : ", ", row.name);
    }
    println(
        "cairn: hart {}: its node in the device tree names {}, which it has not: guests do "
        "without",
        hart, names.view());
}

MachineIds read_machine_ids() {
    return {.vendor = sbi_call(SbiExtension::base, SbiBase::get_mvendorid).value,
            .architecture = sbi_call(SbiExtension::base, SbiBase::get_marchid).value,
            .implementation = sbi_call(SbiExtension::base, SbiBase::get_mimpid).value};
}

/// Firmware may keep closed what the hart has (menvcfg): such bits of henvcfg stay 0 when written,
/// and the guest must not be told. The reverse proves nothing: some bits stick without the feature.
void drop_closed_features(HartAbilities& abilities) {
    const std::uint64_t wanted =
        henvcfg_for(abilities.features) | Henvcfg::ADUE::of(abilities.features.svadu);
    csr_write<Csr::henvcfg>(wanted);
    const std::uint64_t closed = wanted & ~csr_swap<Csr::henvcfg>(0);
    GuestFeatures& features = abilities.features;
    const auto drop = [&](std::uint64_t mask, bool& feature, IsaExtension extension) {
        if ((closed & mask) == 0) return;
        feature = false;
        abilities.guest_isa.erase(extension);
    };
    if ((closed & Henvcfg::FIOM::mask) != 0) features.fiom = false;
    drop(Henvcfg::STCE::mask, features.sstc, IsaExtension::sstc);
    drop(Henvcfg::PBMTE::mask, features.svpbmt, IsaExtension::svpbmt);
    drop(Henvcfg::ADUE::mask, features.svadu, IsaExtension::svadu);
    drop(Henvcfg::CBZE::mask, features.zicboz, IsaExtension::zicboz);
    drop(Henvcfg::CBCFE::mask | Henvcfg::CBIE::mask, features.zicbom, IsaExtension::zicbom);
    if (!features.zicboz) abilities.cboz_block_size = 0;
    if (!features.zicbom) abilities.cbom_block_size = 0;
}

/// The hart's counters, where its firmware lends any. Bits of hcounteren may be wired to 0.
void take_counters(HartAbilities& abilities) {
    HardwareCounters& counters = abilities.features.counters;
    counters = find_hardware_counters();
    csr_write<Csr::hcounteren>(counters.present);
    counters.present &= static_cast<CsrCounters>(csr_swap<Csr::hcounteren>(0));
    if ((counters.present & ~free_running_counters) == 0) {
        abilities.guest_isa.erase(IsaExtension::zihpm);
    }
}

/// How often, in ticks of `time`, a guest's timer is renewed. A timer that was lost is late by no
/// more than that.
std::uint32_t timer_renewal(const Machine& machine, const GuestFeatures& features) {
    constexpr std::uint64_t renewals_per_second = 100;
    if (!features.sstc || !loses_guest_timers(machine.model)) return 0;
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(machine.timebase_hz / renewals_per_second, 1, ~0u));
}

/// I as the string `riscv,isa` means it: what later became extensions of their own is in it, and
/// need not be named (Linux, riscv/extensions.yaml: zicntr, zicsr, zifencei, zihpm). Counters
/// that the guest cannot have are taken out by take_counters.
void insert_first_base(IsaSet& isa) {
    for (const IsaExtension part :
         {IsaExtension::zicntr, IsaExtension::zicsr, IsaExtension::zifencei, IsaExtension::zihpm})
        isa.insert(part);
}

}  // namespace

std::expected<IsaSet, IsaError> machine_isa(const MachineHart& hart) {
    if (hart.isa_extensions.text().empty()) {
        auto isa = parse_isa_string(hart.isa);
        if (isa) insert_first_base(*isa);
        return isa;
    }
    if (!hart.isa_base.empty() && hart.isa_base != "rv64i") {
        return std::unexpected(IsaError::not_rv64);
    }
    return parse_isa_list(hart.isa_extensions.text());
}

HartAbilities abilities_of(const IsaSet& isa, const MachineHart& hart) {
    HartAbilities abilities;
    GuestFeatures& features = abilities.features;
    features.sstc = isa.contains(IsaExtension::sstc);
    features.svpbmt = isa.contains(IsaExtension::svpbmt);
    features.svadu = isa.contains(IsaExtension::svadu);
    features.fp = isa.contains(IsaExtension::f) && isa.contains(IsaExtension::d);
    features.vector = features.fp && isa.contains(IsaExtension::v);
    features.zicbom = isa.contains(IsaExtension::zicbom) && is_block_size(hart.cbom_block_size);
    features.zicboz = isa.contains(IsaExtension::zicboz) && is_block_size(hart.cboz_block_size);
    features.fiom = true;  // unless it does not stick
    features.stateen =
        isa.contains(IsaExtension::smstateen) || isa.contains(IsaExtension::ssstateen);
    abilities.guest_isa = guest_isa(isa, {.counters = true,
                                          .sstc = features.sstc,
                                          .cache_blocks = true,
                                          .page_types = features.svpbmt,
                                          .page_updates = true,
                                          .vectors = features.vector,
                                          .hpm_counters = true});
    // Where both are there, hardware updates nothing until it is asked to.
    if (features.svadu) abilities.guest_isa.insert(IsaExtension::svade);
    if (!features.fp) {
        for (const IsaExtension extension : fp_extensions)
            abilities.guest_isa.erase(extension);
    }
    if (!features.zicbom) abilities.guest_isa.erase(IsaExtension::zicbom);
    if (!features.zicboz) abilities.guest_isa.erase(IsaExtension::zicboz);
    if (features.zicbom) abilities.cbom_block_size = hart.cbom_block_size;
    if (features.zicboz) abilities.cboz_block_size = hart.cboz_block_size;
    return abilities;
}

bool HostResources::take_memory(const ThisMachine& self) {
    const auto map = MemoryMap::create(self.machine.memory, reserved_ranges(self));
    if (!map) {
        println("cairn: the machine's memory: {}", to_string(map.error()));
        return false;
    }
    if (!frames_.init(*map)) {
        println("cairn: the machine's memory: no range has room for the descriptors of its frames");
        return false;
    }
    if (frames_.unused_bytes() != 0) {
        println("cairn: {} MiB of the machine's memory lie too far from the rest, and stay unused",
                frames_.unused_bytes() >> 20);
    }
    return true;
}

bool HostResources::take_hart(const ThisMachine& self) {
    const MachineHart* hart = self.machine.hart(self.boot_hart);
    if (hart == nullptr) {
        println("cairn: the device tree has no hart {}, which is the one that booted",
                self.boot_hart);
        return false;
    }
    auto isa = machine_isa(*hart);
    if (!isa) {
        println("cairn: hart {}: its ISA string {}: {}", hart->id, IsaText{*hart},
                to_string(isa.error()));
        return false;
    }
    let_guests_choose_features(*isa);
    const IsaSet missing = missing_extensions(*isa, *hart);
    isa->erase(missing);
    if (!isa->contains(IsaExtension::h)) {
        println("cairn: hart {} has no H extension, so it cannot run guests ({})", hart->id,
                IsaText{*hart});
        return false;
    }
    if (hart->mmu_type == "riscv,none") {
        println("cairn: hart {} has no MMU, so it cannot run guests", hart->id);
        return false;
    }
    say_what_is_missing(hart->id, missing);
    abilities_ = abilities_of(*isa, *hart);
    drop_closed_features(abilities_);
    take_counters(abilities_);
    use_timer_comparator(abilities_.features.sstc);  // firmware opens both comparators by one bit
    abilities_.features.timer_renewal = timer_renewal(self.machine, abilities_.features);
    if (abilities_.features.vector) abilities_.vector_register_bytes = vector_register_bytes();
    if (!choose_stage2_mode(self.options, hart->id)) return false;
    isa_text_ = write_isa_string(abilities_.guest_isa, isa_buffer_).value_or("");
    mmu_type_ = hart->mmu_type;
    return true;
}

bool HostResources::choose_stage2_mode(const BootOptions& options, std::uint64_t hart) {
    const Stage2Abilities found = stage2_abilities();
    const auto mode = options.stage2_mode ? options.stage2_mode : narrowest_stage2_mode(found);
    if (!mode) {
        println("cairn: hart {} has none of Sv39x4, Sv48x4 and Sv57x4", hart);
        return false;
    }
    if (!found.has(*mode)) {
        println("cairn: boot option gstage: hart {} does not have {}", hart, *mode);
        return false;
    }
    abilities_.stage2_mode = *mode;
    vmids_.init(found.vmid_bits);
    return true;
}

/// A guest may find any of its harts anywhere: what one of them lacks, none may have. Where hgatp
/// has not the mode, or cuts the VMID off, it would translate nothing, or share translations.
bool HostResources::is_like_boot_hart(const MachineHart& hart, const RunningHart& running) const {
    auto isa = machine_isa(hart);
    if (isa) isa->erase(running.missing);
    if (!isa || !isa->contains(IsaExtension::h) || hart.mmu_type != mmu_type_) return false;
    if (!running.stage2.has(abilities_.stage2_mode) || running.stage2.vmid_bits < vmids_.bits())
        return false;
    HartAbilities theirs = abilities_of(*isa, hart);
    // What the boot hart's firmware keeps closed has been taken from the guest already.
    for (const IsaRow& row : isa_rows) {
        if (abilities_.guest_isa.contains(row.extension) &&
            !theirs.guest_isa.contains(row.extension)) {
            return false;
        }
    }
    const bool same_blocks =
        (abilities_.cbom_block_size == 0 || abilities_.cbom_block_size == theirs.cbom_block_size) &&
        (abilities_.cboz_block_size == 0 || abilities_.cboz_block_size == theirs.cboz_block_size);
    const bool same_vectors = running.vector_register_bytes == abilities_.vector_register_bytes ||
                              !abilities_.features.vector;
    return same_blocks && same_vectors && theirs.features.stateen == abilities_.features.stateen;
}

void HostResources::take_other_harts(const Machine& machine, std::span<const RunningHart> running) {
    guest_harts_ = {0};
    for (std::size_t index = 1; index < running.size(); ++index) {
        const MachineHart* const hart = machine.hart(running[index].id);
        if (guest_harts_.size() == guest_harts_.capacity()) return;
        if (hart != nullptr && is_like_boot_hart(*hart, running[index])) {
            guest_harts_.push_back(index);
        } else {
            println("cairn: hart {} runs no guests: it is not like hart {}, which booted",
                    running[index].id, running[0].id);
        }
    }
}

bool HostResources::take(const ThisMachine& self, std::span<const RunningHart> running) {
    ids_ = read_machine_ids();
    has_rng_seed_ = !self.machine.rng_seed.empty();
    timebase_hz_ = self.machine.timebase_hz;
    device_tasks_.set_rate(timebase_hz_);
    trusts_unused_ram_ = self.options.trust_unused_ram;
    if (!take_hart(self) || !take_memory(self)) return false;
    take_other_harts(self.machine, running);
    guest_translations_.init(guest_hart_count());
    return true;
}

}  // namespace cairn
