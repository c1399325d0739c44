// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "kernel/manager/machine_report.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/firmware/sbi_implementations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/host/cpu/hart_trials.hpp"

namespace cairn {
namespace {

constexpr unsigned opensbi_major_at = 16;

/// By a guest that has no memory.
bool tells_instructions(FramePool& frames, Stage2Mode mode) {
    constexpr std::uint64_t root_size = 4 * frame_size;
    const auto root = frames.allocate_frames(root_size / frame_size, root_size);
    if (!root) return false;
    std::memset(frames.at(*root), 0, root_size);
    const bool tells = writes_htinst(stage2::hgatp(mode, 0, *root));
    frames.free_frames(*root, root_size / frame_size);
    return tells;
}

std::uint64_t ask_firmware(SbiBase what) {
    return sbi_call(SbiExtension::base, what).value;
}

void add_word(Writer& out, bool has, std::string_view word) {
    if (has) print(out, " {}", word);
}

}  // namespace

MachineReport examine_machine(const Machine& machine, std::uint64_t boot_hart,
                              HostResources& host) {
    MachineReport report{.stage2 = stage2_abilities(),
                         .harts = machine.harts.size(),
                         .sbi_version = ask_firmware(SbiBase::get_spec_version),
                         .sbi_implementation = ask_firmware(SbiBase::get_impl_id),
                         .sbi_implementation_version = ask_firmware(SbiBase::get_impl_version)};
    report.writes_htinst = tells_instructions(host.frames(), host.abilities().stage2_mode);
    const MachineHart* const hart = machine.hart(boot_hart);
    if (hart == nullptr) return report;
    const auto isa = machine_isa(*hart);
    report.has_aia = isa && isa->contains(IsaExtension::ssaia);
    report.has_sswi = hart->set_ssip.has_value();
    return report;
}

void write_firmware(Writer& out, const MachineReport& report) {
    const std::uint64_t version = report.sbi_implementation_version;
    if (report.sbi_implementation >= sbi_implementations.size())
        return print(out, "implementation {}, version {:#x}", report.sbi_implementation, version);
    const std::string_view name = sbi_implementations[report.sbi_implementation];
    if (report.sbi_implementation != sbi_implementation_opensbi)
        return print(out, "{}, version {:#x}", name, version);
    print(out, "{} {}.{}", name, version >> opensbi_major_at,
          version & ((1u << opensbi_major_at) - 1));
}

void write_stage2_modes(Writer& out, const MachineReport& report) {
    std::string_view separator;
    for (const Stage2Mode mode : all_stage2_modes) {
        if (!report.stage2.has(mode)) continue;
        print(out, "{}{}", separator, mode);
        separator = " ";
    }
}

void write_summary(Writer& out, const MachineReport& report, HostResources& host) {
    const GuestFeatures& features = host.abilities().features;
    print(out, "machine: {} of {} harts run guests;", host.guest_hart_count(), report.harts);
    add_word(out, true, "H");
    add_word(out, features.sstc, "Sstc");
    add_word(out, features.vector, "V");
    add_word(out, report.has_aia, "AIA");
    add_word(out, report.writes_htinst, "htinst");
    print(out, "; ");
    write_stage2_modes(out, report);
    print(out, "; {} VMID bits; SBI {}.{} of ", report.stage2.vmid_bits, report.sbi_major(),
          report.sbi_minor());
    write_firmware(out, report);
    print(out, "; {} for guests", ByteSize{host.frames().free_bytes()});
}

}  // namespace cairn
