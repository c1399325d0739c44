// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints that the guest does not see: where there is a breakpoint, its harts
// meet an ebreak, and whoever reads memory finds what the guest has there; where there is a
// watchpoint, an access of its harts is an exit.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/arch/address.hpp"

namespace cairn {

enum class WatchKind : std::uint8_t { write, read, access };

/// What an access does to memory.
struct AccessEffect {
    bool reads;
    bool writes;
};

/// What is watched, as its debugger names it.
struct WatchedBytes {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    bool operator==(const WatchedBytes&) const = default;
};

/// A part of it, in one page.
struct Watchpoint {
    GuestRange range;
    WatchKind kind;
    WatchedBytes named;
    bool operator==(const Watchpoint&) const = default;

    [[nodiscard]] bool is_met_by(GuestRange at, AccessEffect effect) const {
        const bool counts = (effect.writes && kind != WatchKind::read) ||
                            (effect.reads && kind != WatchKind::write);
        return counts && at.base < range.end() && range.base < at.end();
    }
};

class DebugPoints {
  public:
    /// What a hart of the guest wants of a page with breakpoints.
    enum class Use : std::uint8_t { fetch, access };

    /// At an instruction, in RAM. False where there is no room for it, or the page can have none.
    [[nodiscard]] virtual bool insert(GuestPhys at) = 0;
    virtual void remove(GuestPhys at) = 0;
    [[nodiscard]] virtual bool has(GuestPhys at) = 0;
    /// The same of a watchpoint; one that is there already is there once.
    [[nodiscard]] virtual bool insert(const Watchpoint& point) = 0;
    /// All parts of it.
    virtual void remove(const WatchedBytes& named, WatchKind kind) = 0;
    /// A watchpoint that an access to `at`, within a page, meets.
    [[nodiscard]] virtual std::optional<Watchpoint> met_by(GuestRange at, AccessEffect effect) = 0;
    virtual void remove_all() = 0;

    /// What a page of the guest has.
    struct Page {
        bool breakpoints = false;
        bool watchpoints = false;
        [[nodiscard]] bool any() const { return breakpoints || watchpoints; }
    };
    [[nodiscard]] virtual Page page(GuestPhys at) = 0;
    /// Lets harts do what they were refused; false where nobody is refused that any more.
    virtual bool open(GuestPhys at, Use use) = 0;
    /// The page has neither any more, and can have none until `remove_all`.
    virtual void give_up(GuestPhys at) = 0;

  protected:
    ~DebugPoints() = default;
};

}  // namespace cairn
