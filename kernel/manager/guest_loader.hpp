// SPDX-License-Identifier: MIT
// Fills a guest's RAM as a boot loader would: kernel, initrd and device tree, zeroes elsewhere, so
// that no guest sees what was there before. Pure.
#pragma once

#include <cstdint>
#include <expected>

#include "kernel/vm/bundle.hpp"
#include "kernel/vm/guest_fdt.hpp"
#include "kernel/vm/guest_memory.hpp"

namespace cairn {

/// Where the guest starts: its first pc, and what it finds in a1.
struct GuestEntry {
    GuestPhys pc;
    GuestPhys device_tree;
};

/// Loads `vm` by `plan`. `tree` describes the guest but for what the plan decides (initrd). All
/// places of the plan lie in `memory`; the one thing that can fail is the device tree.
[[nodiscard]] std::expected<GuestEntry, GuestFdtError> load_guest(const BundleVm& vm,
                                                                  const LoadPlan& plan,
                                                                  GuestMemory& memory,
                                                                  GuestFdtConfig tree);

}  // namespace cairn
