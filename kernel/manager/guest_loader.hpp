// SPDX-License-Identifier: MIT
// Fills a guest's RAM as a boot loader would: kernel, initrd and device tree. Everywhere else it
// stays as it is, which is zero (kernel/vm/memory/guest_ram.hpp). Piece by piece, so that other
// guests run meanwhile. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/static_vector.hpp>
#include "kernel/bundle/bundle.hpp"
#include "kernel/vm/guest_fdt.hpp"
#include "kernel/vm/memory/guest_memory.hpp"

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

class GuestLoader {
  public:
    /// Of `vm` by `plan`, whose places lie in `memory`; the files, the memory and what `tree`
    /// refers to outlive it. `tree` describes the guest but for what the plan decides (initrd).
    GuestLoader(const BundleVm& vm, const LoadPlan& plan, const GuestMemory& memory,
                const GuestFdtConfig& tree);

    /// A piece of it; where the guest starts once all is there.
    [[nodiscard]] std::expected<std::optional<GuestEntry>, GuestLoadError> load_some();

  private:
    struct File {
        GuestPhys to;
        std::span<const std::byte> rest;  ///< that is not there yet
    };
    using Loaded = std::expected<std::optional<GuestEntry>, GuestLoadError>;

    [[nodiscard]] Loaded place_some(File& file);
    [[nodiscard]] Loaded begin_tree();
    [[nodiscard]] Loaded write_tree();

    static_vector<File, 2> files_;  ///< kernel and initrd; the last is placed first
    LoadPlan plan_;
    GuestMemory memory_;
    GuestFdtConfig tree_;
    std::span<std::byte> room_;             ///< for the tree
    std::optional<GuestFdtWriter> writer_;  ///< from when that is there
};

}  // namespace cairn
