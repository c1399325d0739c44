// SPDX-License-Identifier: MIT
// The SBI as guests see it (RISC-V SBI specification 3.0): a table of extensions, one file each.
// Arguments are input: every one of them is checked as the specification demands, and what Cairn
// does not have is answered with "not supported", never with a stop of the guest.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/arch/firmware/sbi.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

/// One call: the function (a6) and the arguments (a0 to a5) as the guest left them. Two registers:
/// it is passed by value.
struct SbiCall {
    std::uint64_t function;
    std::span<const std::uint64_t, 6> arguments;
};

/// Answers the SBI call that `vcpu` has just made and moves its pc past the ecall.
void handle_sbi_call(Vm& vm, Vcpu& vcpu);

/// Whether guests have `extension`.
[[nodiscard]] bool sbi_extension_present(std::uint64_t extension);

// The extensions, in the order of the specification's chapters.
SbiResult sbi_legacy(Vm& vm, Vcpu& vcpu, SbiExtension extension, SbiCall call);
SbiResult sbi_base(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_time(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_ipi(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_rfence(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_hsm(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_srst(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_pmu(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_dbcn(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_susp(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_sta(Vm& vm, Vcpu& vcpu, SbiCall call);
SbiResult sbi_fwft(Vm& vm, Vcpu& vcpu, SbiCall call);

/// Writes the byte in a0 to the console; false where that is full.
[[nodiscard]] bool put_byte(Vm& vm, SbiCall call);

/// The answer of a call that is not through: the guest makes it again.
[[nodiscard]] SbiResult sbi_again(Vcpu& vcpu, SbiCall call);

/// Whether a hart of the guest can begin or resume at `address`.
[[nodiscard]] bool is_start_address(Vm& vm, std::uint64_t address);

/// Suspends the hart at hand, which resumes at `address` when an interrupt wakes it. What it then
/// finds in a0 and a1 is the result.
SbiResult suspend_hart(Vm& vm, Vcpu& vcpu, std::uint64_t address, std::uint64_t opaque);

/// Arms the guest's timer for `deadline` in ticks of `time`; all ones disarms it.
void set_guest_timer(Vcpu& vcpu, std::uint64_t deadline);

}  // namespace cairn
