// SPDX-License-Identifier: MIT
// A page table of any format: the hypervisor's own (kernel/host/memory/protection.hpp), and behind
// Stage2Table a guest's. Every mapping uses the largest leaves that both addresses allow, so RAM
// costs a handful of entries.
//
//     address, three levels (Sv48 and Sv57: one and two more of 9 bits; G-stage: the root's index
//     has 2 bits more)
//      38        30 29      21 20      12 11        0
//     ┌────────────┬──────────┬──────────┬───────────┐
//     │ VPN[2], 9  │ VPN[1], 9│ VPN[0], 9│ offset, 12│
//     └─────┬──────┴────┬─────┴────┬─────┴───────────┘
//           │           │          │
//     root  ▼ 4 KiB     ▼ 4 KiB    ▼ 4 KiB
//     ┌──────────┐   ┌────────┐  ┌────────┐
//     │ 512 PTE  ├──►│ 512    ├─►│ 512    ├──► 4 KiB page
//     └────┬─────┘   └───┬────┘  └────────┘
//          ▼             ▼           a PTE with R, W or X set is a leaf, else the next table
//        1 GiB         2 MiB
//
// Invariants: no table below the root is empty; a leaf always has A and D. Operations that fail
// change no translation. The caller fences (SFENCE.VMA, HFENCE.GVMA) after map and unmap, and
// before the table dies. Where leaves change their size under harts that use them (`protect`,
// `merge`), they are broken before they are made: the entry is invalid, every hart forgets, then
// the new one is there. In between an access faults, and its handler finds the mapping again under
// the owner's lock. Owns its tables' frames, not the mapped memory. No locking: the owner guards
// it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/arch/address.hpp"
#include "kernel/arch/isa/page_table_entry.hpp"
#include "kernel/host/memory/frame_source.hpp"

namespace cairn {

enum class PageTableError : std::uint8_t {
    unaligned,        ///< an address or the size is no multiple of 4 KiB, or the size is 0
    input_range,      ///< beyond the addresses that the format translates
    host_range,       ///< beyond the 56-bit physical address space
    bad_permissions,  ///< none, or write without read (a reserved encoding)
    already_mapped,   ///< a part of the range is mapped
    not_mapped,       ///< a part of the range is not mapped
    no_frames,        ///< no page frame left for a table
};

/// What the error means, as a clause: "the range is already mapped".
[[nodiscard]] std::string_view to_string(PageTableError error);

struct PagePermissions {
    bool read = false;
    bool write = false;
    bool execute = false;
    constexpr bool operator==(const PagePermissions&) const = default;
};
inline constexpr PagePermissions pages_rwx{true, true, true};
inline constexpr PagePermissions pages_rw{true, true, false};
inline constexpr PagePermissions pages_rx{true, false, true};
inline constexpr PagePermissions pages_r{true, false, false};

/// What an address maps to.
struct PageMapping {
    HostPhys host;            ///< of the very byte asked for
    std::uint64_t leaf_size;  ///< bytes that its leaf maps
    PagePermissions permissions;
    constexpr bool operator==(const PageMapping&) const = default;
};

struct PageTableStatistics {
    std::array<std::uint64_t, paging::max_levels> leaves{};  ///< by level: 4 KiB, 2 MiB, 1 GiB ...
    std::uint64_t table_pages = 0;                           ///< 4 KiB frames, the root's included
    constexpr bool operator==(const PageTableStatistics&) const = default;
};

/// Who makes harts forget: SFENCE.VMA or HFENCE.GVMA on each hart that may use the table.
class TranslationFence {
  public:
    /// No hart uses any more what it knew of these addresses.
    virtual void forget(std::uint64_t address, std::uint64_t size) = 0;

  protected:
    ~TranslationFence() = default;
};

class PageTable {
  public:
    /// An empty table; `frames` outlives it. Fails with no_frames only.
    [[nodiscard]] static std::expected<PageTable, PageTableError> create(PageTableFormat format,
                                                                         FrameSource& frames);
    PageTable(PageTable&& other) noexcept;
    PageTable& operator=(PageTable&& other) noexcept;
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;
    ~PageTable();

    /// Maps `size` bytes at `address` to `host`; nothing in the range may be mapped. Where harts
    /// use the table, the leaves lie in one table: then it maps all at once, or nothing ever.
    [[nodiscard]] std::expected<void, PageTableError> map(std::uint64_t address, HostPhys host,
                                                          std::uint64_t size,
                                                          PagePermissions permissions);
    /// Unmaps `size` bytes at `address`, all of them mapped. A leaf that reaches beyond them is
    /// split first, for which there may be no frames; without `users` in one store, since the
    /// hypervisor may be standing on what remains of it, and old and new say the same of that.
    /// `users` have forgotten all that they know between the last store and the freeing of tables
    /// that this empties: a fence of a range is for leaves alone.
    [[nodiscard]] std::expected<void, PageTableError> unmap(std::uint64_t address,
                                                            std::uint64_t size,
                                                            TranslationFence* users = nullptr);
    /// Has `size` bytes at `address`, all of them mapped, map to `host` from now on; leaves that
    /// reach beyond them are split first. Each leaf keeps its size: unaligned where `host` does not
    /// suit it. In between `users` have forgotten the old ones.
    [[nodiscard]] std::expected<void, PageTableError> move(std::uint64_t address, HostPhys host,
                                                           std::uint64_t size,
                                                           PagePermissions permissions,
                                                           TranslationFence& users);
    /// Gives `size` bytes at `address`, all of them mapped, other permissions; leaves that reach
    /// beyond them are split first. `users` have forgotten the old ones at the end.
    [[nodiscard]] std::expected<void, PageTableError> protect(std::uint64_t address,
                                                              std::uint64_t size,
                                                              PagePermissions permissions,
                                                              TranslationFence& users);
    /// Has one leaf say what the 512 of a table say, where they are of one piece and permit the
    /// same, beginning with the lowest table on the way to `address`. Whether any did.
    bool merge(std::uint64_t address, TranslationFence& users);
    /// input_range or not_mapped where there is no translation.
    [[nodiscard]] std::expected<PageMapping, PageTableError> translate(std::uint64_t address) const;
    /// Unmaps everything and frees all tables but the root.
    void clear();

    [[nodiscard]] HostPhys root() const { return root_; }
    [[nodiscard]] const PageTableStatistics& statistics() const { return statistics_; }

  private:
    /// Where a walk ended: at a leaf, or at an invalid entry.
    struct Slot {
        Pte* entry;
        unsigned level;
    };

    /// Tables that nothing leads to any more but what harts remember: the last one, whose first
    /// entry has the one before.
    struct Unlinked {
        Pte last{};
        std::size_t count = 0;
    };

    PageTable(PageTableFormat format, FrameSource& frames, HostPhys root);

    [[nodiscard]] std::span<Pte> entries(HostPhys table, unsigned level) const;
    [[nodiscard]] Pte& entry(HostPhys table, std::uint64_t address, unsigned level) const;
    [[nodiscard]] Slot walk(std::uint64_t address) const;
    [[nodiscard]] unsigned widest_level(std::uint64_t address, HostPhys host,
                                        std::uint64_t size) const;
    [[nodiscard]] std::expected<void, PageTableError> check_range(std::uint64_t address,
                                                                  std::uint64_t size) const;
    [[nodiscard]] static std::expected<void, PageTableError> check_host(HostPhys host,
                                                                        std::uint64_t size);
    template <class Visit>
    [[nodiscard]] bool all_of_leaves(std::uint64_t address, std::uint64_t size, Visit visit) const;
    [[nodiscard]] bool is_mapped(std::uint64_t address, std::uint64_t size) const;
    [[nodiscard]] bool leaves_fit(std::uint64_t address, std::uint64_t size, HostPhys host) const;
    [[nodiscard]] std::expected<std::uint64_t, PageTableError> put_leaves(std::uint64_t address,
                                                                          unsigned level, Pte first,
                                                                          std::uint64_t most);
    void rewrite_leaves(std::uint64_t address, std::uint64_t size, Pte first);
    [[nodiscard]] std::expected<HostPhys, PageTableError> table_of(std::uint64_t address,
                                                                   unsigned level);
    [[nodiscard]] std::expected<void, PageTableError> split_at(std::uint64_t address,
                                                               TranslationFence* users);
    [[nodiscard]] std::expected<void, PageTableError> split_edges(std::uint64_t address,
                                                                  std::uint64_t size,
                                                                  TranslationFence* users);
    [[nodiscard]] std::optional<Pte> merged_leaf(HostPhys table, unsigned level) const;
    [[nodiscard]] Unlinked remove_leaves(std::uint64_t address, std::uint64_t size);
    void prune(std::uint64_t address, Unlinked& tables);
    void free_unlinked(Unlinked tables);
    void free_below(HostPhys table, unsigned level);
    void release();

    FrameSource* frames_;  ///< null once moved from
    HostPhys root_;
    PageTableFormat format_;
    PageTableStatistics statistics_{};
};

}  // namespace cairn
