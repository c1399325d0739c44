// SPDX-License-Identifier: MIT
// One exit of a guest as a trace keeps it. The meaning of `subject` and `value` goes by the cause:
//
//     cause                     subject                     value
//     SBI call                  extension (a7)              a0, its first argument
//     load, store               guest-physical address      what was loaded or stored
//     fetch                     guest-physical address
//     virtual instruction       the instruction, or 0
//     misaligned access         its guest-virtual address
//     interrupt of the host
//
// Pure. A row of a ring: 48 bytes.
#pragma once

#include <cstdint>
#include <span>

#include <cairn/writer.hpp>
#include "kernel/vm/exits/exit_cause.hpp"

namespace cairn {

struct ExitRecord {
    std::uint64_t time = 0;  ///< the host's, when the guest was left
    std::uint64_t pc = 0;    ///< the guest's: of what left it, or what an interrupt came before
    std::uint64_t subject = 0;
    std::uint64_t value = 0;
    std::uint32_t function = 0;      ///< of a call (a6); what is more than that is all ones
    std::uint32_t ticks = 0;         ///< of `time` until the guest went on; all ones: or more
    std::uint32_t instructions = 0;  ///< of the host's that answered it; 0: nobody counts them
    std::uint8_t cause = 0;          ///< scause: its code, and the top bit for an interrupt
    bool is_user = false;            ///< the guest was in VU-mode
    bool has_value = false;
    bool left = false;  ///< to the hart's loop: other work, or another vCPU, may have come

    [[nodiscard]] constexpr std::uint64_t scause() const {
        return Scause::INTERRUPT::of((cause & interrupt_bit) != 0) |
               Scause::CODE::of(cause & ~interrupt_bit);
    }
    [[nodiscard]] static constexpr std::uint8_t short_cause(std::uint64_t scause) {
        const auto code = Scause::CODE::get(scause) & ~interrupt_bit;
        return static_cast<std::uint8_t>(code |
                                         (Scause::INTERRUPT::get(scause) ? interrupt_bit : 0));
    }
    static constexpr std::uint64_t interrupt_bit = 0x80;
    constexpr bool operator==(const ExitRecord&) const = default;
};
static_assert(sizeof(ExitRecord) == 48);

/// `value`, or all ones where it does not fit.
[[nodiscard]] constexpr std::uint32_t saturated(std::uint64_t value) {
    constexpr std::uint32_t most = ~std::uint32_t{0};
    return value < most ? static_cast<std::uint32_t>(value) : most;
}

/// What a reader counts it as, in a VM with `ram` and `devices`.
[[nodiscard]] inline ExitCause cause_of(const ExitRecord& record, const GuestRange& ram,
                                        std::span<const GuestDevice> devices) {
    return exit_cause(record.scause(), record.subject, record.function, GuestPhys{record.subject},
                      ram, devices);
}

/// Words for its cause and all that is known of it but time, place and cost: "store to UART at
/// 0x10000000: 0x41".
void describe_exit(Writer& out, const ExitRecord& record, const ExitCause& cause);

}  // namespace cairn
