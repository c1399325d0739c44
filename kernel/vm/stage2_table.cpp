// SPDX-License-Identifier: MIT
#include "kernel/vm/stage2_table.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "lib/bits.hpp"

namespace cairn {

namespace {

constexpr std::uint64_t permission_bits(Stage2Permissions permissions) {
    return Stage2Pte::R::of(permissions.read) | Stage2Pte::W::of(permissions.write) |
           Stage2Pte::X::of(permissions.execute);
}

/// Other harts may walk the table meanwhile: an entry changes in one store, and a new table is
/// zeroed before it is linked.
void store(Stage2Pte& entry, Stage2Pte value) {
    std::atomic_ref(entry.bits).store(value.bits, std::memory_order_release);
}

void fill_invalid(std::byte* table, std::size_t count) {
    std::uninitialized_fill_n(reinterpret_cast<Stage2Pte*>(table), count, Stage2Pte{});
}

}  // namespace

std::string_view to_string(Stage2Error error) {
    switch (error) {
        case Stage2Error::unaligned: return "the range does not consist of whole 4 KiB pages";
        case Stage2Error::guest_range:
            return "the range lies beyond the guest physical addresses of this G-stage mode";
        case Stage2Error::host_range:
            return "the range lies beyond the machine's 56-bit physical addresses";
        case Stage2Error::bad_permissions: return "the permissions are none, or write without read";
        case Stage2Error::already_mapped: return "a part of the range is already mapped";
        case Stage2Error::not_mapped: return "a part of the range is not mapped";
        case Stage2Error::splits_leaf: return "a superpage reaches beyond the range";
        case Stage2Error::no_frames: return "no page frame is left for a page table";
    }
    return "unknown error";
}

std::expected<Stage2Table, Stage2Error> Stage2Table::create(Stage2Mode mode, FrameSource& frames) {
    const auto root = frames.allocate_frames(stage2::root_pages, stage2::root_size);
    if (!root) return std::unexpected(Stage2Error::no_frames);
    fill_invalid(frames.at(*root), stage2::root_entries);
    return Stage2Table(mode, frames, *root);
}

Stage2Table::Stage2Table(Stage2Mode mode, FrameSource& frames, HostPhys root)
    : frames_(&frames), root_(root), mode_(mode) {
    statistics_.table_pages = stage2::root_pages;
}

Stage2Table::Stage2Table(Stage2Table&& other) noexcept
    : frames_(std::exchange(other.frames_, nullptr)),
      root_(other.root_),
      mode_(other.mode_),
      statistics_(other.statistics_) {}

Stage2Table& Stage2Table::operator=(Stage2Table&& other) noexcept {
    if (this == &other) return *this;
    release();
    frames_ = std::exchange(other.frames_, nullptr);
    root_ = other.root_;
    mode_ = other.mode_;
    statistics_ = other.statistics_;
    return *this;
}

Stage2Table::~Stage2Table() {
    release();
}

void Stage2Table::release() {
    if (frames_ == nullptr) return;
    clear();
    frames_->free_frames(root_, stage2::root_pages);
    frames_ = nullptr;
}

std::expected<void, Stage2Error> Stage2Table::map(GuestPhys guest, HostPhys host,
                                                  std::uint64_t size,
                                                  Stage2Permissions permissions) {
    if (const auto checked = check_guest(guest, size); !checked) return checked;
    if (!is_aligned(host.value, stage2::page_size)) return std::unexpected(Stage2Error::unaligned);
    const HostRange all{{0}, 1ull << stage2::host_address_bits};
    if (!all.contains(host, size)) return std::unexpected(Stage2Error::host_range);
    if (!permissions.read && (permissions.write || !permissions.execute)) {
        return std::unexpected(Stage2Error::bad_permissions);
    }

    std::uint64_t done = 0;
    while (done < size) {
        const unsigned level = widest_level(guest + done, host + done, size - done);
        const Stage2Pte leaf = Stage2Pte::leaf(host + done, permission_bits(permissions));
        if (const auto put = put_leaf(guest + done, level, leaf); !put) {
            remove_leaves(guest, done);
            return put;
        }
        done += stage2::leaf_size(level);
    }
    return {};
}

std::expected<void, Stage2Error> Stage2Table::unmap(GuestPhys guest, std::uint64_t size) {
    if (const auto checked = check_guest(guest, size); !checked) return checked;
    if (const auto checked = check_whole_leaves(guest, size); !checked) return checked;
    remove_leaves(guest, size);
    return {};
}

std::expected<Stage2Mapping, Stage2Error> Stage2Table::translate(GuestPhys guest) const {
    if (guest.value >> stage2::guest_address_bits(mode_) != 0) {
        return std::unexpected(Stage2Error::guest_range);
    }
    const Slot slot = walk(guest);
    const Stage2Pte leaf = *slot.entry;
    if (!leaf.is_leaf()) return std::unexpected(Stage2Error::not_mapped);
    const std::uint64_t size = stage2::leaf_size(slot.level);
    return Stage2Mapping{
        .host = leaf.address() + (guest.value & (size - 1)),
        .leaf_size = size,
        .permissions = {Stage2Pte::R::get(leaf.bits), Stage2Pte::W::get(leaf.bits),
                        Stage2Pte::X::get(leaf.bits)},
    };
}

void Stage2Table::clear() {
    free_below(root_, root_level());
    statistics_.leaves = {};
}

std::span<Stage2Pte> Stage2Table::entries(HostPhys table, unsigned level) const {
    const std::size_t count = level == root_level() ? stage2::root_entries : stage2::table_entries;
    return {reinterpret_cast<Stage2Pte*>(frames_->at(table)), count};
}

Stage2Pte& Stage2Table::entry(HostPhys table, GuestPhys guest, unsigned level) const {
    const std::span<Stage2Pte> all = entries(table, level);
    return all[guest.value >> stage2::level_shift(level) & (all.size() - 1)];
}

Stage2Table::Slot Stage2Table::walk(GuestPhys guest) const {
    HostPhys table = root_;
    for (unsigned level = root_level();; --level) {
        Stage2Pte& found = entry(table, guest, level);
        if (level == 0 || !found.is_table()) return {&found, level};
        table = found.address();
    }
}

/// The level of the largest leaf that can start at both addresses and is no larger than `size`.
unsigned Stage2Table::widest_level(GuestPhys guest, HostPhys host, std::uint64_t size) const {
    unsigned level = root_level();
    while (level > 0 && (!is_aligned(guest.value | host.value, stage2::leaf_size(level)) ||
                         size < stage2::leaf_size(level))) {
        --level;
    }
    return level;
}

std::expected<void, Stage2Error> Stage2Table::check_guest(GuestPhys guest,
                                                          std::uint64_t size) const {
    if (size == 0 || !is_aligned(guest.value | size, stage2::page_size)) {
        return std::unexpected(Stage2Error::unaligned);
    }
    const GuestRange all{{0}, 1ull << stage2::guest_address_bits(mode_)};
    if (!all.contains(guest, size)) return std::unexpected(Stage2Error::guest_range);
    return {};
}

std::expected<void, Stage2Error> Stage2Table::check_whole_leaves(GuestPhys guest,
                                                                 std::uint64_t size) const {
    for (std::uint64_t done = 0; done < size;) {
        const Slot slot = walk(guest + done);
        if (!slot.entry->is_leaf()) return std::unexpected(Stage2Error::not_mapped);
        const std::uint64_t leaf_size = stage2::leaf_size(slot.level);
        if (!is_aligned((guest + done).value, leaf_size) || leaf_size > size - done) {
            return std::unexpected(Stage2Error::splits_leaf);
        }
        done += leaf_size;
    }
    return {};
}

std::expected<void, Stage2Error> Stage2Table::put_leaf(GuestPhys guest, unsigned level,
                                                       Stage2Pte leaf) {
    HostPhys table = root_;
    for (unsigned above = root_level(); above > level; --above) {
        const auto below = table_below(entry(table, guest, above));
        if (!below) {
            prune(guest);
            return std::unexpected(below.error());
        }
        table = *below;
    }
    Stage2Pte& slot = entry(table, guest, level);
    // A table here is not empty, so it maps some part of what the leaf would cover.
    if (slot.is_valid()) return std::unexpected(Stage2Error::already_mapped);
    store(slot, leaf);
    ++statistics_.leaves[level];
    return {};
}

/// The table that `above` points to, made if there is none.
std::expected<HostPhys, Stage2Error> Stage2Table::table_below(Stage2Pte& above) {
    if (above.is_leaf()) return std::unexpected(Stage2Error::already_mapped);
    if (above.is_table()) return above.address();
    const auto frame = frames_->allocate_frames(1, stage2::page_size);
    if (!frame) return std::unexpected(Stage2Error::no_frames);
    fill_invalid(frames_->at(*frame), stage2::table_entries);
    store(above, Stage2Pte::table(*frame));
    ++statistics_.table_pages;
    return *frame;
}

/// Removes the leaves that make up the range exactly, and the tables that this empties.
void Stage2Table::remove_leaves(GuestPhys guest, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
        const Slot slot = walk(guest + done);
        store(*slot.entry, {});
        --statistics_.leaves[slot.level];
        const GuestPhys removed = guest + done;
        done += stage2::leaf_size(slot.level);
        const bool last_of_table =
            is_aligned((guest + done).value, stage2::leaf_size(slot.level + 1));
        if (last_of_table || done >= size) prune(removed);
    }
}

/// Frees the empty tables on the path to `guest`, from the lowest up.
void Stage2Table::prune(GuestPhys guest) {
    std::array<Stage2Pte*, stage2::max_levels> path{};  // path[level]: the entry above that table
    HostPhys table = root_;
    unsigned level = root_level();
    for (; level > 0; --level) {
        Stage2Pte& above = entry(table, guest, level);
        if (!above.is_table()) break;
        path[level - 1] = &above;
        table = above.address();
    }
    for (; level < root_level(); ++level) {
        const HostPhys lowest = path[level]->address();
        if (std::ranges::any_of(entries(lowest, level), &Stage2Pte::is_valid)) return;
        store(*path[level], {});
        frames_->free_frames(lowest, 1);
        --statistics_.table_pages;
    }
}

/// Invalidates every entry of a table and frees the tables below it; as deep as the table has
/// levels.
void Stage2Table::free_below(HostPhys table, unsigned level) {
    for (Stage2Pte& slot : entries(table, level)) {
        const Stage2Pte old = slot;
        store(slot, {});
        if (level == 0 || !old.is_table()) continue;
        free_below(old.address(), level - 1);
        frames_->free_frames(old.address(), 1);
        --statistics_.table_pages;
    }
}

}  // namespace cairn
