// SPDX-License-Identifier: MIT
// Page tables where frames are short, beside a map of pages. page_table_test.cpp has the histories
// with frames enough.
#include <rapidcheck.h>

#include <array>
#include <map>
#include <utility>

#include "kernel/arch/isa/stage1_mode.hpp"
#include "kernel/arch/isa/stage2_mode.hpp"
#include "kernel/host/memory/page_table.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t mebi = 1ull << 20;
constexpr std::uint64_t gibi = 1ull << 30;

struct Page {
    std::uint64_t host;
    PagePermissions permissions;
};
using Model = std::map<std::uint64_t, Page>;

std::uint64_t any_address() {
    const auto place =
        *rc::gen::element<std::uint64_t>(0, 2 * mebi - 8192, gibi - 8192, 4 * gibi, 511 * gibi);
    return place + *rc::gen::inRange<std::uint64_t>(0, 6) * frame_size;
}

/// How many of the pages are mapped.
std::uint64_t mapped_of(const Model& model, std::uint64_t address, std::uint64_t size) {
    return static_cast<std::uint64_t>(
        std::distance(model.lower_bound(address), model.lower_bound(address + size)));
}

void check_same(const PageTable& table, const Model& model) {
    for (const auto& [address, page] : model) {
        const auto found = table.translate(address + 5);
        RC_ASSERT(found.has_value());
        RC_ASSERT(found->host == HostPhys{page.host + 5});
        RC_ASSERT(found->permissions == page.permissions);
        if (!model.contains(address + frame_size))
            RC_ASSERT(!table.translate(address + frame_size));
        if (address != 0 && !model.contains(address - frame_size))
            RC_ASSERT(!table.translate(address - 1));
    }
    std::uint64_t bytes = 0;
    for (unsigned level = 0; level < paging::max_levels; ++level)
        bytes += table.statistics().leaves[level] * paging::leaf_size(level);
    RC_ASSERT(bytes == model.size() * frame_size);
}

constexpr std::size_t ample = 20;  // frames: more than one step takes

/// One map or unmap; what fails changes nothing but, where a leaf was split, its leaves. Where a
/// range is mapped in part and frames are short, whichever is met first is the reason.
void step(PageTable& table, Model& model, std::size_t frames) {
    constexpr std::array permissions{pages_rwx, pages_rw, pages_rx, pages_r};
    const std::uint64_t address = any_address();
    const std::uint64_t size = *rc::gen::element<std::uint64_t>(1, 3, 512, 515) * frame_size;
    const std::uint64_t mapped = mapped_of(model, address, size);
    if (*rc::gen::arbitrary<bool>()) {
        const auto slide = *rc::gen::element<std::uint64_t>(0, frame_size, 2 * mebi);
        const auto allowed = *rc::gen::elementOf(permissions);
        const auto done = table.map(address, {address + slide}, size, allowed);
        if (done) {
            RC_ASSERT(mapped == 0U);
        } else if (done.error() == PageTableError::no_frames) {
            RC_ASSERT(frames < ample);
        } else {
            RC_ASSERT(mapped != 0U);
            RC_ASSERT(done.error() == PageTableError::already_mapped);
        }
        for (std::uint64_t at = address; done && at < address + size; at += frame_size)
            model[at] = {at + slide, allowed};
        return;
    }
    const auto done = table.unmap(address, size);
    const bool whole = mapped == size / frame_size;
    if (!done) {
        const auto reason = whole ? PageTableError::no_frames : PageTableError::not_mapped;
        RC_ASSERT(done.error() == reason);
        RC_ASSERT(!whole || frames < ample);
        return;
    }
    RC_ASSERT(whole);
    model.erase(model.lower_bound(address), model.lower_bound(address + size));
}

}  // namespace

TEST_CASE("without frames a table stays what it was", "[page_table_property]") {
    const bool holds = rc::check("against a map of pages", [] {
        FrameArena arena;
        const auto format =
            *rc::gen::element(stage1::format(SatpMode::sv39), stage2::format(Stage2Mode::sv48x4));
        auto table = PageTable::create(format, arena);
        RC_ASSERT(table.has_value());
        Model model;
        for (auto steps = *rc::gen::inRange(1, 16); steps > 0; --steps) {
            const auto frames = *rc::gen::element<std::size_t>(0, 1, 2, 3, ample);
            arena.set_limit(arena.used() + frames);
            step(*table, model, frames);
            check_same(*table, model);
            RC_ASSERT(arena.used() == table->statistics().table_pages);
        }
        table->clear();
        RC_ASSERT(arena.used() == format.root_pages());
        RC_ASSERT(!table->translate(0) && !table->translate(4 * gibi));
    });
    CHECK(holds);
}
