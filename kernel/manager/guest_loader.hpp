// SPDX-License-Identifier: MIT
// Fills a guest's RAM as a boot loader would: kernel, initrd and device tree. Everywhere else it
// stays as it is, which is zero (kernel/vm/guest_ram.hpp). Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "kernel/bundle/bundle.hpp"
#include "kernel/vm/guest_fdt.hpp"
#include "kernel/vm/guest_memory.hpp"

namespace cairn {

/// Where the guest starts: its first pc, and what it finds in a1.
struct GuestEntry {
    GuestPhys pc;
    GuestPhys device_tree;
};

struct GuestLoadError {
    std::optional<GuestFdtError> tree;  ///< nothing: RAM that is to be filled cannot be had
};

/// One clause, without a full stop.
[[nodiscard]] std::string_view to_string(const GuestLoadError& error);

/// Loads `vm` by `plan`, whose places lie in `memory`. `tree` describes the guest but for what the
/// plan decides (initrd).
[[nodiscard]] std::expected<GuestEntry, GuestLoadError> load_guest(const BundleVm& vm,
                                                                   const LoadPlan& plan,
                                                                   const GuestMemory& memory,
                                                                   GuestFdtConfig tree);

}  // namespace cairn
