// SPDX-License-Identifier: MIT
// Breakpoints and a watchpoint that are noted, for a guest on the bench.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <span>

#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn::test {

/// All RAM is there; the first page has breakpoints where they are inserted, any may have
/// the watchpoint.
struct FakePatches final : RamBacking, DebugPoints {
    static constexpr std::uint64_t page_size = 0x1000;
    static constexpr std::uint64_t first_page = 0x8000'0000;  // of GuestBench's RAM

    bool is_ready(GuestRange) const override { return true; }
    std::span<std::byte> piece(GuestRange range, RamUse) override {
        return std::span(ram).subspan(range.base.value - first_page, range.size);
    }
    RamWindow window(GuestPhys) override { return {}; }
    RamTouch touch(GuestPhys at) override {
        return page(at).any() ? RamTouch::patched : RamTouch::present;
    }
    std::uint64_t show(GuestPhys, std::span<const std::byte>) override { return 0; }
    DebugPoints* debug_points() override { return this; }

    bool insert(GuestPhys at) override { return places.insert(at.value), true; }
    void remove(GuestPhys at) override { places.erase(at.value); }
    bool has(GuestPhys at) override { return places.contains(at.value); }
    bool insert(const Watchpoint& point) override {
        watchpoint = point;
        return true;
    }
    void remove(const WatchedBytes&, WatchKind) override { watchpoint.reset(); }
    std::optional<Watchpoint> met_by(GuestRange at, AccessEffect effect) override {
        return watchpoint && watchpoint->is_met_by(at, effect) ? watchpoint : std::nullopt;
    }
    void remove_all() override {
        places.clear();
        watchpoint.reset();
    }
    Page page(GuestPhys at) override {
        const std::uint64_t number = at.value / page_size;
        return {.breakpoints = !given_up && number == first_page / page_size,
                .watchpoints = watchpoint && number == watchpoint->range.base.value / page_size};
    }
    bool open(GuestPhys, Use use) override {
        opened = use;
        return true;
    }
    void give_up(GuestPhys) override { given_up = true; }

    std::array<std::byte, 4 * page_size> ram{};
    std::set<std::uint64_t> places;
    std::optional<Watchpoint> watchpoint;
    std::optional<Use> opened;
    bool given_up = false;
};

/// A base of a bench, before the guest that has them.
struct WithFakePatches {
    FakePatches fake;
};

}  // namespace cairn::test
