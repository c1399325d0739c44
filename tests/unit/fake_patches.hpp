// SPDX-License-Identifier: MIT
// Breakpoints that are noted, for a guest on the bench.
#pragma once

#include <optional>
#include <set>

#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn::test {

/// All RAM is there; the first page has breakpoints where they are inserted.
struct FakePatches final : RamBacking, CodePatches {
    static constexpr std::uint64_t page_size = 0x1000;
    static constexpr std::uint64_t first_page = 0x8000'0000;  // of GuestBench's RAM

    bool is_ready(GuestRange) const override { return true; }
    bool prepare(GuestRange, RamUse) override { return true; }
    RamTouch touch(GuestPhys at) override {
        return is_patched_page(at) ? RamTouch::patched : RamTouch::present;
    }
    std::uint64_t show(GuestPhys, std::span<const std::byte>) override { return 0; }
    CodePatches* patches() override { return this; }

    bool insert(GuestPhys at) override { return places.insert(at.value).second; }
    void remove(GuestPhys at) override { places.erase(at.value); }
    void remove_all() override { places.clear(); }
    bool has(GuestPhys at) override { return places.contains(at.value); }
    bool is_patched_page(GuestPhys at) override {
        return !given_up && at.value / page_size == first_page / page_size;
    }
    bool open(GuestPhys, Use use) override {
        opened = use;
        return true;
    }
    void give_up(GuestPhys) override { given_up = true; }

    std::set<std::uint64_t> places;
    std::optional<Use> opened;
    bool given_up = false;
};

/// A base of a bench, before the guest that has them.
struct WithFakePatches {
    FakePatches fake;
};

}  // namespace cairn::test
