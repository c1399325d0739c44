// SPDX-License-Identifier: MIT
// What harts do between guests beside running them. Whoever wants it done has a hart leave its
// guest.
#pragma once

#include <cstdint>

namespace cairn {

class HostWork {
  public:
    static constexpr std::uint64_t at_once = 0;
    static constexpr std::uint64_t when_asked = ~std::uint64_t{0};

    /// When, by `time`, some of it is wanted though nobody asks for it: the hart that ran some is
    /// awake by then.
    [[nodiscard]] virtual std::uint64_t due() const = 0;
    /// A piece of it, on the hart at hand: no guest of this hart runs meanwhile, so a piece is
    /// short (docs/architecture.md, "Work between guests"). False where another hart is at it.
    virtual bool run() = 0;

  protected:
    ~HostWork() = default;
};

}  // namespace cairn
