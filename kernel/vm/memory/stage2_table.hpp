// SPDX-License-Identifier: MIT
// A guest's G-stage page table: guest physical to host physical, in Sv39x4, Sv48x4 or Sv57x4. RAM
// placed by FramePool::take_guest_ram costs a handful of entries, and the guest never faults on it.
// A PageTable (invariants, ownership and locking there) with a root of 16 KiB, whose addresses are
// a guest's.
#pragma once

#include <utility>

#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/host/memory/page_table.hpp"

namespace cairn {

class Stage2Table {
  public:
    /// An empty table; `frames` outlives it. Fails with no_frames only.
    [[nodiscard]] static std::expected<Stage2Table, PageTableError> create(Stage2Mode mode,
                                                                           FrameSource& frames) {
        auto table = PageTable::create(stage2::format(mode), frames);
        if (!table) return std::unexpected(table.error());
        return Stage2Table(mode, std::move(*table));
    }

    /// Maps `size` bytes at `guest` to `host`; nothing in the range may be mapped.
    [[nodiscard]] std::expected<void, PageTableError> map(GuestPhys guest, HostPhys host,
                                                          std::uint64_t size,
                                                          PagePermissions permissions) {
        return table_.map(guest.value, host, size, permissions);
    }
    /// Has `size` bytes at `guest`, all of them mapped, map to `host` from now on; in between
    /// `harts` have forgotten what they mapped to.
    [[nodiscard]] std::expected<void, PageTableError> move(GuestPhys guest, HostPhys host,
                                                           std::uint64_t size,
                                                           PagePermissions permissions,
                                                           TranslationFence& harts) {
        return table_.move(guest.value, host, size, permissions, harts);
    }
    /// Has large leaves say what the small ones around `guest` do, where they can.
    bool merge(GuestPhys guest, TranslationFence& harts) {
        return table_.merge(guest.value, harts);
    }
    /// Unmaps `size` bytes at `guest`, all of them mapped; `harts` have forgotten them at the end.
    [[nodiscard]] std::expected<void, PageTableError> unmap(GuestPhys guest, std::uint64_t size,
                                                            TranslationFence& harts) {
        return table_.unmap(guest.value, size, &harts);
    }
    /// input_range or not_mapped where there is no translation.
    [[nodiscard]] std::expected<PageMapping, PageTableError> translate(GuestPhys guest) const {
        return table_.translate(guest.value);
    }
    /// Unmaps everything and frees all tables but the root.
    void clear() { table_.clear(); }

    /// The value of `hgatp` that puts this table in use for guest `vmid` (14 bits).
    [[nodiscard]] std::uint64_t hgatp(std::uint16_t vmid) const {
        return stage2::hgatp(mode_, vmid, table_.root());
    }
    [[nodiscard]] Stage2Mode mode() const { return mode_; }
    [[nodiscard]] const PageTableStatistics& statistics() const { return table_.statistics(); }

  private:
    Stage2Table(Stage2Mode mode, PageTable table) : table_(std::move(table)), mode_(mode) {}

    PageTable table_;
    Stage2Mode mode_;
};

}  // namespace cairn
