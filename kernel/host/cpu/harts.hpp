// SPDX-License-Identifier: MIT
// The machine's harts. The firmware enters Cairn on one of them, the boot hart, which starts the
// others by SBI HSM; each has a stack, a trap stack and thread_local variables of its own, and
// sleeps until it is given something to run. Below each stack lies a page that is not mapped.
//
//     boot hart    start_harts ── hart_start ──►            run_on_hart(n) ──┐ wait_for_hart(n)
//     hart n       stopped                     hart_entry ── sleeps ────────►│ job(argument) ──
//     sleeps ...
//
// Harts are counted from 0, the boot hart; their ids may be any. A hart that the firmware refuses,
// or that is not there in time, is named in a line of the log and left out: if it comes late, it
// stops itself. What the harts share is set up before the first starts; only the boot hart calls
// the functions below.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/host/boot/this_machine.hpp"
#include "kernel/host/cpu/ipi_batch.hpp"

namespace cairn {

/// Keeps what thread_local variables start as, then says there which stacks the boot hart has.
/// Before anything uses one: the boot hart's live in the image itself.
void keep_thread_local_image();

/// Starts every hart that the device tree calls usable.
void start_harts(const ThisMachine& self);

/// How many harts run, the boot hart included.
[[nodiscard]] std::size_t hart_count();
/// Hart `index`: the machine's id, and how to interrupt it.
[[nodiscard]] const IpiTarget& ipi_target(std::size_t index);

/// Has hart `index`, which is not the boot hart and has nothing to do, call `job(argument)`.
void run_on_hart(std::size_t index, void (*job)(void* argument), void* argument);
/// Waits until the job of hart `index` has returned.
void wait_for_hart(std::size_t index);

}  // namespace cairn
