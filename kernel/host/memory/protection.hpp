// SPDX-License-Identifier: MIT
// The hypervisor's own page table, in use: what kernel/host/memory/address_space.hpp says, enforced
// on every hart by satp. The boot hart makes it as soon as there is a heap, and turns it on; the
// others enter with it (kernel/arch/start/hart_entry.S). From then on it changes in one way: before
// a hart is started, its guard pages are taken out. Other harts may go on seeing those for a while;
// none of them has any business there.
//
// Its frames are the break's, for ever. Only the boot hart calls the functions below.
//
// Where the MMU cannot do it, the boot goes on without, and says so: nothing that guests see
// depends on it, and a machine that runs unprotected is of more use than one that does not run.
#pragma once

#include <cstdint>

#include "kernel/arch/address.hpp"
#include "kernel/host/boot/this_machine.hpp"

namespace cairn {

/// Makes the page table and turns it on, on the boot hart. Stops the machine with a sentence where
/// the heap region has no room for it.
void protect_memory(const ThisMachine& self);

/// What satp is on every hart; 0 where there is no page table.
[[nodiscard]] std::uint64_t own_satp();

/// Takes the page at `page` away from everybody. False where there is no room for what that needs.
[[nodiscard]] bool make_guard_page(HostPhys page);

}  // namespace cairn
