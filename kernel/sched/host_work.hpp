// SPDX-License-Identifier: MIT
// What harts do between guests beside running them. Whoever wants it done has a hart leave its
// guest.
#pragma once

#include <cstdint>

namespace cairn {

class HostWork {
  public:
    [[nodiscard]] virtual bool is_wanted() const = 0;
    /// A piece of it, on the hart at hand: no guest of this hart runs meanwhile, so a piece is
    /// short (docs/architecture.md, "Work between guests"). False where another hart is at it.
    virtual bool run() = 0;
    /// When, by `time`, it is wanted though nothing has come; all ones: never. The hart that ran
    /// some of it is awake by then.
    [[nodiscard]] virtual std::uint64_t deadline() const { return ~std::uint64_t{0}; }

  protected:
    ~HostWork() = default;
};

}  // namespace cairn
