// SPDX-License-Identifier: MIT
// How often a VM leaves its guest, by cause: SBI calls by function, accesses by device, interrupts
// of the host. Only where the boot option exits=count asks for it: the world switch then answers
// nothing itself (counting_guest_exit), so that every exit passes here; else nothing is slower by
// an instruction. Any of the VM's harts may add.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <cairn/print.hpp>
#include <cairn/spinlock.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/vm/guest_devices.hpp"

namespace cairn {

/// What made the guest leave.
struct ExitCause {
    std::uint64_t scause = 0;
    std::uint64_t extension = 0;          ///< of a call
    std::uint64_t function = 0;           ///< of a call
    std::string_view device = "nothing";  ///< of an access, the kind's name, which lives for ever
    bool operator==(const ExitCause&) const = default;
};

/// The cause of an exit with `scause`: of calls a7 and a6 count, of page faults whether the
/// address is `ram`'s or whose of the VM's `devices` it is.
[[nodiscard]] ExitCause exit_cause(std::uint64_t scause, std::uint64_t extension,
                                   std::uint64_t function, GuestPhys address, const GuestRange& ram,
                                   std::span<const GuestDevice> devices);

/// Words for `cause`.
void print_cause(Writer& out, const ExitCause& cause);

class ExitCounts {
  public:
    void add(const ExitCause& cause);
    /// The log's table, most frequent first.
    void print(std::string_view vm_name);

  private:
    static constexpr std::size_t max_causes = 48;
    struct Count {
        ExitCause cause;
        std::uint64_t exits = 0;
    };

    Spinlock lock_;
    std::array<Count, max_causes> counts_{};
    std::size_t size_ = 0;
    std::uint64_t others_ = 0;  ///< of causes that there was no room for
};

}  // namespace cairn
