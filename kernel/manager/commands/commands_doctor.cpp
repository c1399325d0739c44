// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// What the machine offers, and what that means for guests.
#include <bit>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/manager/commands/command_rows.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 3> ability_columns{
    {{"name", Look::text, 16}, {"value", Look::text, 26}, {"meaning"}}};
constexpr RecordKind ability_kind{"ability", Arrangement::lines, ability_columns};

/// Extensions of the firmware that Cairn has a use for.
constexpr std::array firmware_uses{SbiExtension::time, SbiExtension::ipi,  SbiExtension::rfence,
                                   SbiExtension::hsm,  SbiExtension::srst, SbiExtension::pmu,
                                   SbiExtension::dbcn, SbiExtension::fwft};

bool firmware_has(SbiExtension extension) {
    return sbi_call(SbiExtension::base, SbiBase::probe_extension, extension).value != 0;
}

class Doctor {
  public:
    Doctor(Session& session, Answer& answer)
        : host_(session.host), machine_(session.machine), answer_(answer) {}

    void say_harts();
    void say_translation();
    void say_features();
    void say_firmware();
    void say_memory();

  private:
    void say(std::string_view name, std::string_view value, std::string_view meaning) {
        answer_.show(ability_kind, {name, value, meaning});
    }
    void say(std::string_view name, bool has, std::string_view with, std::string_view without) {
        say(name, has ? "yes" : "no", has ? with : without);
    }

    HostResources& host_;
    const MachineReport& machine_;
    Answer& answer_;
};

void Doctor::say_harts() {
    FixedBuffer<64> harts;
    print(harts, "{} of {}", host_.guest_hart_count(), machine_.harts);
    const bool all = host_.guest_hart_count() == machine_.harts;
    say("harts", harts.view(),
        all ? "every hart runs guests" : "the others run no guests; the log says why");
    say("H", true, "guests run in VS-mode, unchanged", "");
    say("interrupts", machine_.has_sswi, "harts interrupt each other by a store (SSWI)",
        "harts interrupt each other through the firmware");
}

void Doctor::say_translation() {
    FixedBuffer<64> modes;
    write_stage2_modes(modes, machine_);
    FixedBuffer<96> used;
    print(used, "guests' memory is translated by {}", host_.abilities().stage2_mode);
    say("G-stage", modes.view(), used.view());
    say("guest's MMU", host_.mmu_type(), "the widest mode that guests' own page tables may have");
    FixedBuffer<16> bits;
    print(bits, "{} bits", machine_.stage2.vmid_bits);
    say("VMID", bits.view(),
        machine_.stage2.vmid_bits == 0
            ? "one VM runs at a time: harts cannot tell their translations apart"
            : "harts tell the translations of many VMs apart");
    say("htinst", machine_.writes_htinst, "the hart says which instruction has left a guest",
        "Cairn reads and decodes each instruction that accesses a device");
}

void Doctor::say_features() {
    const GuestFeatures& features = host_.abilities().features;
    say("Sstc", features.sstc, "guests arm their own timers, without leaving",
        "each timer that a guest arms is an exit");
    if (features.timer_renewal != 0) {
        say("timers", "renewed",
            "this QEMU can lose a guest's timer interrupt: a tick finds it, 10 ms late at most");
    }
    say("F and D", features.fp, "guests have floating point", "guests have no floating point");
    FixedBuffer<32> vector;
    if (features.vector) print(vector, "{} bits", 8 * host_.abilities().vector_register_bytes);
    say("V", features.vector ? vector.view() : "no",
        features.vector ? "guests have vectors" : "guests have no vectors");
    say("Svpbmt", features.svpbmt, "guests choose memory types by page", "guests do without");
    say("Svadu", features.svadu, "guests may have A and D bits updated", "guests do without");
    say("AIA", machine_.has_aia,
        "is not used: guests get a PLIC, so each of its accesses is an exit", "guests get a PLIC");
    FixedBuffer<32> counters;
    print(counters, "{}", std::popcount(features.counters.present & ~free_running_counters));
    say("counters", counters.view(),
        "hpmcounters that the firmware lends; guests read and set up these");
}

void Doctor::say_firmware() {
    FixedBuffer<64> version;
    print(version, "SBI {}.{}, ", machine_.sbi_major(), machine_.sbi_minor());
    write_firmware(version, machine_);
    say("firmware", version.view(), "guests see SBI 3.0 of Cairn, whatever this is");
    for (const SbiExtension extension : firmware_uses) {
        if (!firmware_has(extension))
            say("firmware has no", to_string(extension), "Cairn does without");
    }
}

void Doctor::say_memory() {
    FixedBuffer<32> free;
    print(free, "{} free", ByteSize{host_.frames().free_bytes()});
    FixedBuffer<96> piece;
    print(piece, "of {} for guests' memory and page tables",
          ByteSize{host_.frames().total_bytes()});
    say("memory", free.view(), piece.view());
}

}  // namespace

void show_doctor(Session& session, const CommandLine&, Answer& answer) {
    Doctor doctor(session, answer);
    doctor.say_harts();
    doctor.say_translation();
    doctor.say_features();
    doctor.say_firmware();
    doctor.say_memory();
}

}  // namespace cairn
