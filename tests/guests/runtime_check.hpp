// SPDX-License-Identifier: MIT
// The parts of the guest runtime_check: each prints what it finds, and reports through check().
#pragma once

#include <string_view>

namespace cairn::guest {

/// Notes a failure, with a sentence of what should hold, unless `holds`.
void check(bool holds, std::string_view what);

/// Leaves the guest by calls, device accesses and an exception.
void exit_in_every_way();

void check_memory();        ///< memcpy and its family against byte loops
void check_memory_costs();  ///< instructions of memcpy, memcmp and memmove by misalignment
void check_containers();    ///< each container once, on a heap that is started
void check_mmio();          ///< every integer load and store that a device answers
void check_refused_mmio();  ///< widths and places that end in an access fault
void check_virtio_slots();  ///< that all eight are there, and empty
void check_entry();         ///< whether FP and vector registers are open at the start
void check_fp();            ///< floating-point state over exits
void check_vector();        ///< vector state over exits
void check_suspend(bool with_vector);  ///< everything of a hart over its suspension
void check_misaligned();     ///< misaligned accesses that Cairn is to carry out (SBI FWFT)
void check_counters();       ///< that `cycle` runs again when it is given back (SBI PMU)
void check_debug_console();  ///< SBI's DBCN: writes, then reads a line and writes it back

}  // namespace cairn::guest
