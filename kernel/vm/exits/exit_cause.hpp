// SPDX-License-Identifier: MIT
// Why a guest was left, as a reader counts it: an SBI call by its function, an access by its
// device, an interrupt of the host. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <cairn/print.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/vm/guest_devices.hpp"

namespace cairn {

/// What made the guest leave.
struct ExitCause {
    static constexpr std::string_view nothing = "nothing";

    std::uint64_t scause = 0;
    std::uint64_t extension = 0;        ///< of a call
    std::uint64_t function = 0;         ///< of a call
    std::string_view device = nothing;  ///< of an access: its kind's name, which lives for ever

    constexpr bool operator==(const ExitCause& other) const {
        return scause == other.scause && extension == other.extension &&
               function == other.function &&
               (device.data() == other.device.data() || device == other.device);
    }
};

/// A call of the guest's to its firmware.
[[nodiscard]] constexpr bool is_guest_call(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::ecall_from_vs);
}
/// A load or store that G-stage translation refused.
[[nodiscard]] constexpr bool is_guest_access(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault);
}
/// The same, and fetches.
[[nodiscard]] constexpr bool is_guest_page_fault(std::uint64_t scause) {
    return is_guest_access(scause) ||
           scause == static_cast<std::uint64_t>(Exception::instruction_guest_page_fault);
}

/// The cause of an exit with `scause`: of calls a7 and a6 count, of page faults whether the
/// address is `ram`'s or whose of the VM's `devices` it is.
[[nodiscard]] ExitCause exit_cause(std::uint64_t scause, std::uint64_t extension,
                                   std::uint64_t function, GuestPhys address, const GuestRange& ram,
                                   std::span<const GuestDevice> devices);

/// Words for `cause`.
void print_cause(Writer& out, const ExitCause& cause);

}  // namespace cairn
