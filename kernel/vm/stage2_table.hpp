// SPDX-License-Identifier: MIT
// A guest's G-stage page table: guest physical to host physical, in Sv39x4, Sv48x4 or Sv57x4. Every
// mapping uses the largest leaves that both addresses allow, so RAM placed by
// FramePool::take_guest_ram costs a handful of entries and the guest never faults on it.
//
//     guest physical address, Sv39x4 (Sv48x4 and Sv57x4: one and two more levels of 9 bits on top)
//
//      40        30 29      21 20      12 11        0
//     ┌────────────┬──────────┬──────────┬───────────┐
//     │ VPN[2], 11 │ VPN[1], 9│ VPN[0], 9│ offset, 12│
//     └─────┬──────┴────┬─────┴────┬─────┴───────────┘
//           │           │          │
//     root  ▼ 16 KiB    ▼ 4 KiB    ▼ 4 KiB
//     ┌──────────┐   ┌────────┐  ┌────────┐
//     │ 2048 PTE ├──►│ 512    ├─►│ 512    ├──► 4 KiB page
//     └────┬─────┘   └───┬────┘  └────────┘
//          ▼             ▼           a PTE with R, W or X set is a leaf, else the next table
//        1 GiB         2 MiB
//
// Invariants: no table below the root is empty; a leaf always has U, A and D. Operations that fail
// change nothing. The caller fences (HFENCE.GVMA) after map and unmap, and before the table dies.
// Owns its tables' frames, not the mapped memory. No locking: the VM's owner guards it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/stage2_pte.hpp"
#include "kernel/host/frame_source.hpp"

namespace cairn {

enum class Stage2Error : std::uint8_t {
    unaligned,        ///< an address or the size is no multiple of 4 KiB, or the size is 0
    guest_range,      ///< beyond the mode's guest physical address width
    host_range,       ///< beyond the 56-bit physical address space
    bad_permissions,  ///< none, or write without read (a reserved encoding)
    already_mapped,   ///< a part of the range is mapped
    not_mapped,       ///< a part of the range is not mapped
    splits_leaf,      ///< unmapping would have to split a superpage
    no_frames,        ///< no page frame left for a table
};

/// What the error means, as a clause: "the range is already mapped".
[[nodiscard]] std::string_view to_string(Stage2Error error);

struct Stage2Permissions {
    bool read = false;
    bool write = false;
    bool execute = false;
    constexpr bool operator==(const Stage2Permissions&) const = default;
};
inline constexpr Stage2Permissions stage2_rwx{true, true, true};

/// What a guest physical address maps to.
struct Stage2Mapping {
    HostPhys host;            ///< of the very byte asked for
    std::uint64_t leaf_size;  ///< bytes that its leaf maps
    Stage2Permissions permissions;
    constexpr bool operator==(const Stage2Mapping&) const = default;
};

struct Stage2Statistics {
    std::array<std::uint64_t, stage2::max_levels> leaves{};  ///< by level: 4 KiB, 2 MiB, 1 GiB ...
    std::uint64_t table_pages = 0;                           ///< 4 KiB frames, the root's included
    constexpr bool operator==(const Stage2Statistics&) const = default;
};

class Stage2Table {
  public:
    /// An empty table; `frames` outlives it. Fails with no_frames only.
    [[nodiscard]] static std::expected<Stage2Table, Stage2Error> create(Stage2Mode mode,
                                                                        FrameSource& frames);
    Stage2Table(Stage2Table&& other) noexcept;
    Stage2Table& operator=(Stage2Table&& other) noexcept;
    Stage2Table(const Stage2Table&) = delete;
    Stage2Table& operator=(const Stage2Table&) = delete;
    ~Stage2Table();

    /// Maps `size` bytes at `guest` to `host`; nothing in the range may be mapped.
    [[nodiscard]] std::expected<void, Stage2Error> map(GuestPhys guest, HostPhys host,
                                                       std::uint64_t size,
                                                       Stage2Permissions permissions);
    /// Unmaps `size` bytes at `guest`, all of them mapped, by whole leaves.
    [[nodiscard]] std::expected<void, Stage2Error> unmap(GuestPhys guest, std::uint64_t size);
    /// guest_range or not_mapped where there is no translation.
    [[nodiscard]] std::expected<Stage2Mapping, Stage2Error> translate(GuestPhys guest) const;
    /// Unmaps everything and frees all tables but the root.
    void clear();

    /// The value of `hgatp` that puts this table in use for guest `vmid` (14 bits).
    [[nodiscard]] std::uint64_t hgatp(std::uint16_t vmid) const {
        return stage2::hgatp(mode_, vmid, root_);
    }
    [[nodiscard]] Stage2Mode mode() const { return mode_; }
    [[nodiscard]] const Stage2Statistics& statistics() const { return statistics_; }

  private:
    /// Where a walk ended: at a leaf, or at an invalid entry.
    struct Slot {
        Stage2Pte* entry;
        unsigned level;
    };

    Stage2Table(Stage2Mode mode, FrameSource& frames, HostPhys root);

    [[nodiscard]] unsigned root_level() const { return stage2::levels(mode_) - 1; }
    [[nodiscard]] std::span<Stage2Pte> entries(HostPhys table, unsigned level) const;
    [[nodiscard]] Stage2Pte& entry(HostPhys table, GuestPhys guest, unsigned level) const;
    [[nodiscard]] Slot walk(GuestPhys guest) const;
    [[nodiscard]] unsigned widest_level(GuestPhys guest, HostPhys host, std::uint64_t size) const;
    [[nodiscard]] std::expected<void, Stage2Error> check_guest(GuestPhys guest,
                                                               std::uint64_t size) const;
    [[nodiscard]] std::expected<void, Stage2Error> check_whole_leaves(GuestPhys guest,
                                                                      std::uint64_t size) const;
    [[nodiscard]] std::expected<void, Stage2Error> put_leaf(GuestPhys guest, unsigned level,
                                                            Stage2Pte leaf);
    [[nodiscard]] std::expected<HostPhys, Stage2Error> table_below(Stage2Pte& above);
    void remove_leaves(GuestPhys guest, std::uint64_t size);
    void prune(GuestPhys guest);
    void free_below(HostPhys table, unsigned level);
    void release();

    FrameSource* frames_;  ///< null once moved from
    HostPhys root_;
    Stage2Mode mode_;
    Stage2Statistics statistics_{};
};

}  // namespace cairn
