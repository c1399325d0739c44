// SPDX-License-Identifier: MIT
// A table as the guest's harts see it: what is at an address for a fetch, and for an access.
#include "kernel/vm/memory/patched_pages.hpp"

#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"

namespace cairn {
namespace {

using Use = DebugPoints::Use;

constexpr GuestPhys base{0x8000'0000};
constexpr std::uint64_t page = paging::page_size;
constexpr std::uint16_t ebreak = 0x9002;

struct Fences final : TranslationFence {
    void forget(std::uint64_t, std::uint64_t) override {
        ++count;
        if (last_act) std::exchange(last_act, nullptr)();
    }
    unsigned count = 0;
    std::function<void()> last_act;  ///< of a hart that has not forgotten yet
};

struct Bench {
    Bench() {
        ram = *frames.allocate_frames(512, 2 << 20);
        REQUIRE(table.map(base, ram, 2 << 20, pages_rwx));
        bytes = frames.at(ram);
        for (std::size_t n = 0; n < (2 << 20); n += 2)
            put({base.value + n}, static_cast<std::uint16_t>(n / 2 | 1));
    }
    ~Bench() { frames.free_frames(ram, 512); }
    void put(GuestPhys at, std::uint16_t value) {
        std::memcpy(bytes + (at - base), &value, sizeof(value));
    }
    /// What a hart finds there, if its leaf permits it.
    [[nodiscard]] std::optional<std::uint16_t> seen(GuestPhys at, Use use) {
        const auto now = table.translate(at);
        REQUIRE(now);
        CHECK(!(now->permissions.execute && now->permissions.read && patched.page(at).any()));
        const bool may = use == Use::fetch ? now->permissions.execute : now->permissions.write;
        if (!may) return std::nullopt;
        std::uint16_t value = 0;
        const std::uint64_t offset = now->host.value % page;
        std::memcpy(&value, frames.at({now->host.value - offset}) + offset, sizeof(value));
        return value;
    }
    /// The same after the exit that it takes.
    [[nodiscard]] std::uint16_t found(GuestPhys at, Use use) {
        if (const auto now = seen(at, use)) return *now;
        CHECK(patched.open(at, use));
        return seen(at, use).value_or(0);
    }

    FrameArena frames;
    HostPhys ram{};
    Stage2Table table = *Stage2Table::create(Stage2Mode::sv39x4, frames);
    std::byte* bytes = nullptr;
    Fences harts;
    PatchedPages patched{frames, table, &harts};
};

TEST_CASE_METHOD(Bench, "harts meet an ebreak, and read what was there", "[patched_pages]") {
    const GuestPhys at = base + page + 0x100;
    REQUIRE(patched.insert(at));
    CHECK(patched.has(at));
    CHECK_FALSE(patched.has(at + 2));
    CHECK(patched.page(base + 2 * page - 1).any());
    CHECK_FALSE(patched.page(base + 2 * page).any());
    CHECK(found(at, Use::fetch) == ebreak);
    CHECK(found(at + 2, Use::fetch) == ((0x1102 / 2) | 1));
    CHECK_FALSE(seen(at, Use::access).has_value());
    CHECK(found(at, Use::access) == ((0x1100 / 2) | 1));
    CHECK_FALSE(seen(at, Use::fetch).has_value());
    CHECK(seen(base, Use::fetch) == 1);  // the page before is as it was
    CHECK(seen(base, Use::access) == 1);
}

TEST_CASE_METHOD(Bench, "what is written is executed, but for the ebreak", "[patched_pages]") {
    const GuestPhys at = base + 0x20;
    REQUIRE(patched.insert(at));
    CHECK(found(at + 8, Use::fetch) == ((0x28 / 2) | 1));
    CHECK(found(at, Use::access) == ((0x20 / 2) | 1));
    put(at, 0x4501);
    put(at + 8, 0x4502);
    CHECK(found(at, Use::fetch) == ebreak);
    CHECK(found(at + 8, Use::fetch) == 0x4502);
    patched.remove(at);
    CHECK(seen(at, Use::fetch) == 0x4501);
}

TEST_CASE_METHOD(Bench, "what a hart writes until it has forgotten the page is executed",
                 "[patched_pages]") {
    const GuestPhys at = base + 0x20;
    REQUIRE(patched.insert(at));
    CHECK(found(at, Use::access) == ((0x20 / 2) | 1));
    harts.last_act = [&] { put(at + 8, 0x4509); };
    CHECK(found(at + 8, Use::fetch) == 0x4509);
}

TEST_CASE_METHOD(Bench, "Cairn's own accesses turn what they touch", "[patched_pages]") {
    REQUIRE(patched.insert(base + 0x10));
    REQUIRE(patched.insert(base + page));
    CHECK(found(base + 0x10, Use::fetch) == ebreak);
    CHECK(found(base + page, Use::fetch) == ebreak);
    REQUIRE(patched.open_for_access({base + 0xf00, 0x100}));
    CHECK(seen(base, Use::access).has_value());
    CHECK_FALSE(seen(base + page, Use::access).has_value());
    CHECK_FALSE(patched.open(base, Use::access));  // it is already
    CHECK_FALSE(patched.open(base + 2 * page, Use::access));
}

TEST_CASE_METHOD(Bench, "breakpoints go one by one, or all", "[patched_pages]") {
    const std::size_t used = frames.used();
    REQUIRE(patched.insert(base + 0x10));
    REQUIRE(patched.insert(base + 0x10));
    REQUIRE(patched.insert(base + 0x20));
    patched.remove(base + 0x30);
    patched.remove(base + 0x10);
    CHECK(found(base + 0x10, Use::fetch) == ((0x10 / 2) | 1));
    CHECK(found(base + 0x20, Use::fetch) == ebreak);
    patched.remove(base + 0x20);
    CHECK(table.translate(base)->permissions == pages_rwx);
    REQUIRE(patched.insert(base + 5 * page));
    patched.remove_all();
    CHECK_FALSE(patched.page(base + 5 * page).any());
    (void)table.merge(base, harts);
    CHECK(frames.used() == used);
}

TEST_CASE_METHOD(Bench, "there is a most, and places that can have none", "[patched_pages]") {
    CHECK_FALSE(patched.insert(base + 1));
    for (std::size_t n = 0; n < PatchedPages::most_in_page; ++n)
        CHECK(patched.insert(base + 2 * n));
    CHECK_FALSE(patched.insert(base + 2 * PatchedPages::most_in_page));
    for (std::size_t n = 1; n < PatchedPages::most_pages; ++n)
        CHECK(patched.insert(base + n * page));
    CHECK_FALSE(patched.insert(base + PatchedPages::most_pages * page));
    patched.give_up(base + page);
    CHECK(seen(base + page, Use::fetch).has_value());
    CHECK(seen(base + page, Use::access).has_value());
    CHECK_FALSE(patched.insert(base + page));
    patched.remove_all();
    CHECK(patched.insert(base + page));
}

/// Watches 8 bytes there.
Watchpoint watched(GuestPhys at, WatchKind kind) {
    return {.range = {at, 8}, .kind = kind, .named = {at.value, 8}};
}

struct WatchBench : Bench {
    /// What the page's leaf permits, and whether it is of the page itself.
    [[nodiscard]] std::optional<PagePermissions> leaf(GuestPhys at) {
        const auto now = table.translate(at);
        if (!now) return std::nullopt;
        CHECK(now->host == ram + (at - base));
        return now->permissions;
    }
};

constexpr PagePermissions pages_x{false, false, true};

TEST_CASE_METHOD(WatchBench, "what is watched is not done without an exit", "[patched_pages]") {
    const GuestPhys at = base + page + 0x40;
    REQUIRE(patched.insert(watched(at, WatchKind::write)));
    CHECK(leaf(at) == pages_rx);
    CHECK(leaf(base) == pages_rwx);
    CHECK(patched.page(at).watchpoints);
    CHECK_FALSE(patched.page(at).breakpoints);
    CHECK_FALSE(patched.open(at, Use::access));  // its exits are carried out
    REQUIRE(patched.insert(watched(at + 8, WatchKind::read)));
    CHECK(leaf(at) == pages_x);
    patched.remove(WatchedBytes{at.value + 8, 8}, WatchKind::access);  // is none
    CHECK(leaf(at) == pages_x);
    patched.remove(WatchedBytes{at.value + 8, 8}, WatchKind::read);
    CHECK(leaf(at) == pages_rx);
    patched.remove(WatchedBytes{at.value, 8}, WatchKind::write);
    CHECK(leaf(at) == pages_rwx);
    CHECK_FALSE(patched.page(at).any());
}

TEST_CASE_METHOD(WatchBench, "who meets one", "[patched_pages]") {
    constexpr AccessEffect reads{.reads = true, .writes = false};
    constexpr AccessEffect writes{.reads = false, .writes = true};
    REQUIRE(patched.insert(watched(base + 0x40, WatchKind::write)));
    REQUIRE(patched.insert(watched(base + 0x80, WatchKind::read)));
    REQUIRE(patched.insert(watched(base + 0xc0, WatchKind::access)));
    const auto meets = [this](std::uint64_t offset, AccessEffect effect) {
        return patched.met_by({base + offset, 4}, effect).has_value();
    };
    CHECK(meets(0x3d, writes));
    CHECK_FALSE(meets(0x3c, writes));
    CHECK(meets(0x47, writes));
    CHECK_FALSE(meets(0x48, writes));
    CHECK_FALSE(meets(0x40, reads));
    CHECK(meets(0x80, reads));
    CHECK_FALSE(meets(0x80, writes));
    CHECK(meets(0xc0, reads));
    CHECK(meets(0xc0, writes));
    CHECK(patched.met_by({base + 0x80, 8}, {.reads = true, .writes = true})->kind ==
          WatchKind::read);
}

TEST_CASE_METHOD(WatchBench, "a page with both is never written to by harts", "[patched_pages]") {
    const GuestPhys at = base + 0x100;
    const std::size_t used = frames.used();
    REQUIRE(patched.insert(at));
    REQUIRE(patched.insert(watched(at + 8, WatchKind::write)));
    REQUIRE(patched.open(at, Use::fetch));
    CHECK(seen(at, Use::fetch) == ebreak);
    REQUIRE(patched.open(at, Use::access));
    CHECK(leaf(at) == pages_r);
    REQUIRE(patched.insert(watched(at + 16, WatchKind::access)));
    CHECK_FALSE(leaf(at).has_value());  // neither read nor written to
    put(at + 2, 0x4501);                // by Cairn, for the guest
    REQUIRE(patched.open(at, Use::fetch));
    CHECK(seen(at, Use::fetch) == ebreak);
    CHECK(seen(at + 2, Use::fetch) == 0x4501);
    REQUIRE(patched.open_for_access({at, 1}));
    CHECK_FALSE(leaf(at).has_value());
    patched.remove(at);
    CHECK(leaf(at) == pages_x);  // of the page itself
    patched.give_up(at);
    CHECK(leaf(at) == pages_rwx);
    CHECK_FALSE(patched.met_by({at + 8, 8}, {.reads = true, .writes = true}));
    CHECK_FALSE(patched.insert(watched(at, WatchKind::write)));
    patched.remove_all();
    (void)table.merge(base, harts);
    CHECK(frames.used() == used);
}

TEST_CASE_METHOD(WatchBench, "there is a most of watchpoints, each in one page",
                 "[patched_pages]") {
    CHECK_FALSE(patched.insert(watched(base + page - 4, WatchKind::write)));
    CHECK_FALSE(patched.insert({.range = {base, 0}, .kind = WatchKind::write, .named = {}}));
    for (std::size_t n = 0; n < PatchedPages::most_watchpoints; ++n) {
        CHECK(patched.insert(watched(base + 8 * n, WatchKind::write)));
        CHECK(patched.insert(watched(base + 8 * n, WatchKind::write)));  // is there
    }
    CHECK_FALSE(patched.insert(watched(base + page, WatchKind::write)));
    CHECK_FALSE(patched.page(base + page).any());
    CHECK(leaf(base + page) == pages_rwx);
}

TEST_CASE_METHOD(Bench, "without frames, or a way to reach harts, there are none",
                 "[patched_pages]") {
    PatchedPages unreachable(frames, table, nullptr);
    CHECK_FALSE(unreachable.insert(base));
    frames.set_limit(frames.used() + 1);
    CHECK_FALSE(patched.insert(base));  // a copy, and a table that is split
    CHECK_FALSE(patched.page(base).any());
    CHECK(table.translate(base)->permissions == pages_rwx);
}

}  // namespace
}  // namespace cairn
