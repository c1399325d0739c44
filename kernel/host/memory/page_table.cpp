// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/memory/page_table.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include <cairn/bits.hpp>
#include <cairn/static_vector.hpp>

namespace cairn {

namespace {

constexpr std::uint64_t everything = ~std::uint64_t{0};  // a size

constexpr std::uint64_t permission_bits(PagePermissions permissions) {
    return Pte::R::of(permissions.read) | Pte::W::of(permissions.write) |
           Pte::X::of(permissions.execute);
}

constexpr bool are_valid(PagePermissions permissions) {
    return permissions.read || (permissions.execute && !permissions.write);
}

/// Other harts may walk the table meanwhile: an entry changes in one store, and a new table is
/// zeroed before it is linked.
void store(Pte& entry, Pte value) {
    std::atomic_ref(entry.bits).store(value.bits, std::memory_order_release);
}

/// A row of them in each round: a G-stage root has 2,048.
void fill_invalid(std::byte* table, std::size_t count) {
    constexpr std::size_t row = 8;
    static_assert(paging::table_entries % row == 0);
    auto* entries = reinterpret_cast<Pte*>(table);
    for (const Pte* const end = entries + count; entries != end; entries += row) {
#pragma clang loop unroll(full)
        for (std::size_t n = 0; n < row; ++n)
            std::construct_at(entries + n);
    }
}

}  // namespace

std::string_view to_string(PageTableError error) {
    switch (error) {
        case PageTableError::unaligned: return "the range does not consist of whole 4 KiB pages";
        case PageTableError::input_range: return "the range lies beyond the addresses of this mode";
        case PageTableError::host_range:
            return "the range lies beyond the machine's 56-bit physical addresses";
        case PageTableError::bad_permissions:
            return "the permissions are none, or write without read";
        case PageTableError::already_mapped: return "a part of the range is already mapped";
        case PageTableError::not_mapped: return "a part of the range is not mapped";
        case PageTableError::no_frames: return "no page frame is left for a page table";
    }
    return "unknown error";
}

std::expected<PageTable, PageTableError> PageTable::create(PageTableFormat format,
                                                           FrameSource& frames) {
    const auto root = frames.allocate_frames(format.root_pages(), format.root_size());
    if (!root) return std::unexpected(PageTableError::no_frames);
    fill_invalid(frames.at(*root), format.root_entries());
    return PageTable(format, frames, *root);
}

PageTable::PageTable(PageTableFormat format, FrameSource& frames, HostPhys root)
    : frames_(&frames), root_(root), format_(format) {
    statistics_.table_pages = format_.root_pages();
}

PageTable::PageTable(PageTable&& other) noexcept
    : frames_(std::exchange(other.frames_, nullptr)),
      root_(other.root_),
      format_(other.format_),
      statistics_(other.statistics_) {}

PageTable& PageTable::operator=(PageTable&& other) noexcept {
    if (this == &other) return *this;
    release();
    frames_ = std::exchange(other.frames_, nullptr);
    root_ = other.root_;
    format_ = other.format_;
    statistics_ = other.statistics_;
    return *this;
}

PageTable::~PageTable() {
    release();
}

void PageTable::release() {
    if (frames_ == nullptr) return;
    clear();
    frames_->free_frames(root_, format_.root_pages());
    frames_ = nullptr;
}

std::expected<void, PageTableError> PageTable::map(std::uint64_t address, HostPhys host,
                                                   std::uint64_t size,
                                                   PagePermissions permissions) {
    if (const auto checked = check_range(address, size); !checked) return checked;
    if (const auto checked = check_host(host, size); !checked) return checked;
    if (!are_valid(permissions)) return std::unexpected(PageTableError::bad_permissions);

    std::uint64_t done = 0;
    while (done < size) {
        const unsigned level = widest_level(address + done, host + done, size - done);
        const Pte leaf = Pte::leaf(host + done, permission_bits(permissions) | format_.leaf_flags);
        const std::uint64_t most = (size - done) / paging::leaf_size(level);
        const auto put = put_leaves(address + done, level, leaf, most);
        if (!put) {
            free_unlinked(remove_leaves(address, done));
            return std::unexpected(put.error());
        }
        done += *put * paging::leaf_size(level);
    }
    return {};
}

std::expected<void, PageTableError> PageTable::unmap(std::uint64_t address, std::uint64_t size,
                                                     TranslationFence* users) {
    if (const auto checked = check_range(address, size); !checked) return checked;
    if (!is_mapped(address, size)) return std::unexpected(PageTableError::not_mapped);
    if (const auto split = split_edges(address, size, users); !split) return split;
    const Unlinked tables = remove_leaves(address, size);
    if (users != nullptr) users->forget(0, everything);
    free_unlinked(tables);
    return {};
}

std::expected<void, PageTableError> PageTable::protect(std::uint64_t address, std::uint64_t size,
                                                       PagePermissions permissions,
                                                       TranslationFence& users) {
    if (const auto checked = check_range(address, size); !checked) return checked;
    if (!are_valid(permissions)) return std::unexpected(PageTableError::bad_permissions);
    if (!is_mapped(address, size)) return std::unexpected(PageTableError::not_mapped);
    if (const auto split = split_edges(address, size, &users); !split) return split;
    for (std::uint64_t at = address; at < address + size;) {
        const Slot slot = walk(at);
        store(*slot.entry,
              {(slot.entry->bits & ~permission_bits(pages_rwx)) | permission_bits(permissions)});
        at += paging::leaf_size(slot.level);
    }
    users.forget(address, size);
    return {};
}

std::expected<void, PageTableError> PageTable::move(std::uint64_t address, HostPhys host,
                                                    std::uint64_t size, PagePermissions permissions,
                                                    TranslationFence& users) {
    if (const auto checked = check_range(address, size); !checked) return checked;
    if (const auto checked = check_host(host, size); !checked) return checked;
    if (!are_valid(permissions)) return std::unexpected(PageTableError::bad_permissions);
    if (!is_mapped(address, size)) return std::unexpected(PageTableError::not_mapped);
    if (const auto split = split_edges(address, size, &users); !split) return split;
    if (!leaves_fit(address, size, host)) return std::unexpected(PageTableError::unaligned);
    rewrite_leaves(address, size, {});
    users.forget(address, size);
    rewrite_leaves(address, size,
                   Pte::leaf(host, permission_bits(permissions) | format_.leaf_flags));
    return {};
}

bool PageTable::merge(std::uint64_t address, TranslationFence& users) {
    if (address >> format_.input_bits() != 0) return false;
    bool any = false;
    for (;;) {
        HostPhys table = root_;
        unsigned level = format_.root_level();
        Pte* above = nullptr;
        for (Pte* next = &entry(table, address, level); level > 0 && next->is_table();) {
            above = next;
            table = above->address();
            next = &entry(table, address, --level);
        }
        const auto leaf = above == nullptr ? std::nullopt : merged_leaf(table, level);
        if (!leaf) return any;
        store(*above, {});
        users.forget(0, everything);
        store(*above, *leaf);
        frames_->free_frames(table, 1);
        statistics_.leaves[level] -= paging::table_entries;
        ++statistics_.leaves[level + 1];
        --statistics_.table_pages;
        any = true;
    }
}

std::expected<PageMapping, PageTableError> PageTable::translate(std::uint64_t address) const {
    if (address >> format_.input_bits() != 0) {
        return std::unexpected(PageTableError::input_range);
    }
    const Slot slot = walk(address);
    const Pte leaf = *slot.entry;
    if (!leaf.is_leaf()) return std::unexpected(PageTableError::not_mapped);
    const std::uint64_t size = paging::leaf_size(slot.level);
    return PageMapping{
        .host = leaf.address() + (address & (size - 1)),
        .leaf_size = size,
        .permissions = {Pte::R::get(leaf.bits), Pte::W::get(leaf.bits), Pte::X::get(leaf.bits)},
    };
}

void PageTable::clear() {
    free_below(root_, format_.root_level());
    statistics_.leaves = {};
}

std::span<Pte> PageTable::entries(HostPhys table, unsigned level) const {
    const std::size_t count =
        level == format_.root_level() ? format_.root_entries() : paging::table_entries;
    return {reinterpret_cast<Pte*>(frames_->at(table)), count};
}

Pte& PageTable::entry(HostPhys table, std::uint64_t address, unsigned level) const {
    const std::span<Pte> all = entries(table, level);
    return all[address >> paging::level_shift(level) & (all.size() - 1)];
}

PageTable::Slot PageTable::walk(std::uint64_t address) const {
    HostPhys table = root_;
    for (unsigned level = format_.root_level();; --level) {
        Pte& found = entry(table, address, level);
        if (level == 0 || !found.is_table()) return {&found, level};
        table = found.address();
    }
}

/// The level of the largest leaf that can start at both addresses and is no larger than `size`.
unsigned PageTable::widest_level(std::uint64_t address, HostPhys host, std::uint64_t size) const {
    unsigned level = format_.root_level();
    while (level > 0 && (!is_aligned(address | host.value, paging::leaf_size(level)) ||
                         size < paging::leaf_size(level))) {
        --level;
    }
    return level;
}

std::expected<void, PageTableError> PageTable::check_range(std::uint64_t address,
                                                           std::uint64_t size) const {
    if (size == 0 || !is_aligned(address | size, paging::page_size)) {
        return std::unexpected(PageTableError::unaligned);
    }
    const std::uint64_t all = 1ull << format_.input_bits();
    if (size > all || address > all - size) return std::unexpected(PageTableError::input_range);
    return {};
}

std::expected<void, PageTableError> PageTable::check_host(HostPhys host, std::uint64_t size) {
    if (!is_aligned(host.value, paging::page_size))
        return std::unexpected(PageTableError::unaligned);
    const HostRange all{{0}, 1ull << paging::physical_address_bits};
    if (!all.contains(host, size)) return std::unexpected(PageTableError::host_range);
    return {};
}

/// Calls `visit(entry, address, size)` for each leaf or invalid entry that the range lies in, while
/// that says true; those that are neighbours in a table are found by one walk.
template <class Visit>
bool PageTable::all_of_leaves(std::uint64_t address, std::uint64_t size, Visit visit) const {
    for (std::uint64_t at = address; at < address + size;) {
        const Slot slot = walk(at);
        const std::uint64_t leaf_size = paging::leaf_size(slot.level);
        at = align_down(at, leaf_size);
        const Pte* next = slot.entry;
        do {
            if (!visit(*next++, at, leaf_size)) return false;
            at += leaf_size;
        } while (at < address + size && !is_aligned(at, paging::leaf_size(slot.level + 1)) &&
                 !next->is_table());
    }
    return true;
}

/// Whether the leaves that make up the range exactly can map what begins at `host`, each of them
/// its size.
bool PageTable::leaves_fit(std::uint64_t address, std::uint64_t size, HostPhys host) const {
    return all_of_leaves(address, size, [=](Pte, std::uint64_t at, std::uint64_t leaf_size) {
        return is_aligned(host.value + (at - address), leaf_size);
    });
}

bool PageTable::is_mapped(std::uint64_t address, std::uint64_t size) const {
    return all_of_leaves(address, size,
                         [](Pte entry, std::uint64_t, std::uint64_t) { return entry.is_leaf(); });
}

/// Puts a leaf at `address`, and up to `most` in all for as long as they lie in one table, where no
/// larger ones can begin; each maps what follows the one before. How many there are now: one at
/// least.
std::expected<std::uint64_t, PageTableError> PageTable::put_leaves(std::uint64_t address,
                                                                   unsigned level, Pte first,
                                                                   std::uint64_t most) {
    const auto found = table_of(address, level);
    if (!found) return std::unexpected(found.error());
    const HostPhys table = *found;
    Pte* const slot = &entry(table, address, level);
    // A table here is not empty, so it maps some part of what the leaf would cover.
    if (slot->is_valid()) return std::unexpected(PageTableError::already_mapped);
    const auto room = static_cast<std::uint64_t>(entries(table, level).data() +
                                                 entries(table, level).size() - slot);
    const std::uint64_t step = Pte::PPN::of(paging::leaf_size(level) >> paging::page_bits);
    const std::uint64_t count = std::min(room, most);
    std::uint64_t put = 0;
    for (Pte leaf = first; put != count && !slot[put].is_valid(); ++put, leaf.bits += step)
        store(slot[put], leaf);
    statistics_.leaves[level] += put;
    return put;
}

/// Has the leaves that make up the range exactly map what follows `first`; all of them nothing
/// where that is invalid.
void PageTable::rewrite_leaves(std::uint64_t address, std::uint64_t size, Pte first) {
    std::uint64_t bits = first.bits;
    for (std::uint64_t at = address; at < address + size;) {
        const Slot slot = walk(at);
        const std::uint64_t leaf_size = paging::leaf_size(slot.level);
        const std::uint64_t step =
            first.is_valid() ? Pte::PPN::of(leaf_size >> paging::page_bits) : 0;
        Pte* next = slot.entry;
        do {
            store(*next++, {bits});
            bits += step;
            at += leaf_size;
        } while (at < address + size && !is_aligned(at, paging::leaf_size(slot.level + 1)) &&
                 !next->is_table());
    }
}

/// The table in which the leaves of a level lie. Those that are missing on the way are made, and
/// linked when all are there: harts see them from then on.
std::expected<HostPhys, PageTableError> PageTable::table_of(std::uint64_t address, unsigned level) {
    HostPhys table = root_;
    unsigned lowest = format_.root_level();
    for (; lowest > level; --lowest) {
        const Pte above = entry(table, address, lowest);
        if (above.is_leaf()) return std::unexpected(PageTableError::already_mapped);
        if (!above.is_table()) break;
        table = above.address();
    }
    if (lowest == level) return table;
    static_vector<HostPhys, paging::max_levels> made;
    for (unsigned next = level; next < lowest; ++next) {
        const auto frame = frames_->allocate_frames(1, paging::page_size);
        if (!frame) {
            for (const HostPhys unused : made)
                frames_->free_frames(unused, 1);
            return std::unexpected(PageTableError::no_frames);
        }
        fill_invalid(frames_->at(*frame), paging::table_entries);
        if (!made.empty()) entry(*frame, address, next) = Pte::table(made.back());
        made.push_back(*frame);
    }
    store(entry(table, address, lowest), Pte::table(made.back()));
    statistics_.table_pages += made.size();
    return made.front();
}

/// Has leaves begin at `address`: one that reaches over it gives way to a table that says the same
/// in the next smaller leaves, and so on.
std::expected<void, PageTableError> PageTable::split_at(std::uint64_t address,
                                                        TranslationFence* users) {
    if (address >> format_.input_bits() != 0) return {};  // the end of all
    for (;;) {
        const auto [large, level] = walk(address);
        if (!large->is_leaf() || is_aligned(address, paging::leaf_size(level))) return {};
        const auto frame = frames_->allocate_frames(1, paging::page_size);
        if (!frame) return std::unexpected(PageTableError::no_frames);
        fill_invalid(frames_->at(*frame), paging::table_entries);
        const std::uint64_t pages = paging::leaf_size(level - 1) >> paging::page_bits;
        std::uint64_t bits = large->bits;
        for (Pte& small : entries(*frame, level - 1)) {
            small.bits = bits;
            bits += Pte::PPN::of(pages);
        }
        if (users != nullptr) {
            store(*large, {});
            users->forget(align_down(address, paging::leaf_size(level)), paging::leaf_size(level));
        }
        store(*large, Pte::table(*frame));
        --statistics_.leaves[level];
        statistics_.leaves[level - 1] += paging::table_entries;
        ++statistics_.table_pages;
    }
}

/// Has leaves begin at both ends of the range.
std::expected<void, PageTableError> PageTable::split_edges(std::uint64_t address,
                                                           std::uint64_t size,
                                                           TranslationFence* users) {
    const auto split = split_at(address, users);
    return split ? split_at(address + size, users) : split;
}

/// The leaf that says what all entries of the table say, if there is one.
std::optional<Pte> PageTable::merged_leaf(HostPhys table, unsigned level) const {
    const std::span<const Pte> all = entries(table, level);
    const Pte first = all.front();
    if (!first.is_leaf() || !is_aligned(first.address().value, paging::leaf_size(level + 1))) {
        return std::nullopt;
    }
    std::uint64_t bits = first.bits;
    for (const Pte& each : all) {
        if (each.bits != bits) return std::nullopt;
        bits += Pte::PPN::of(paging::leaf_size(level) >> paging::page_bits);
    }
    return first;
}

/// Removes the leaves that make up the range exactly, and unlinks the tables that this empties.
PageTable::Unlinked PageTable::remove_leaves(std::uint64_t address, std::uint64_t size) {
    Unlinked tables;
    for (std::uint64_t done = 0; done < size;) {
        const Slot slot = walk(address + done);
        store(*slot.entry, {});
        --statistics_.leaves[slot.level];
        const std::uint64_t removed = address + done;
        done += paging::leaf_size(slot.level);
        const bool last_of_table = is_aligned(address + done, paging::leaf_size(slot.level + 1));
        if (last_of_table || done >= size) prune(removed, tables);
    }
    return tables;
}

/// Unlinks the empty tables on the path to `address`, from the lowest up. Harts may be in them
/// still, and find nothing: what leads from one to the next is no valid entry.
void PageTable::prune(std::uint64_t address, Unlinked& tables) {
    std::array<Pte*, paging::max_levels> path{};  // path[level]: the entry above that table
    HostPhys table = root_;
    unsigned level = format_.root_level();
    for (; level > 0; --level) {
        Pte& above = entry(table, address, level);
        if (!above.is_table()) break;
        path[level - 1] = &above;
        table = above.address();
    }
    for (; level < format_.root_level(); ++level) {
        const HostPhys lowest = path[level]->address();
        if (std::ranges::any_of(entries(lowest, level), &Pte::is_valid)) return;
        store(*path[level], {});
        store(entries(lowest, level).front(), tables.last);
        tables.last = {Pte::table(lowest).bits ^ Pte::V::mask};
        ++tables.count;
    }
}

/// Nobody uses them any more.
void PageTable::free_unlinked(Unlinked tables) {
    statistics_.table_pages -= tables.count;
    for (; tables.count > 0; --tables.count) {
        const HostPhys table = tables.last.address();
        tables.last = entries(table, 0).front();
        frames_->free_frames(table, 1);
    }
}

/// Invalidates every entry of a table that has tables below it, and frees those; as deep as the
/// table has levels.
void PageTable::free_below(HostPhys table, unsigned level) {
    for (Pte& slot : entries(table, level)) {
        const Pte old = slot;
        if (!old.is_valid()) continue;
        store(slot, {});
        if (!old.is_table()) continue;
        if (level > 1) free_below(old.address(), level - 1);  // at 0 all are leaves
        frames_->free_frames(old.address(), 1);
        --statistics_.table_pages;
    }
}

}  // namespace cairn
