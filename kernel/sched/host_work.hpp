// SPDX-License-Identifier: MIT
// What harts do between guests beside running them. Whoever wants it done has a hart leave its
// guest.
#pragma once

namespace cairn {

class HostWork {
  public:
    [[nodiscard]] virtual bool is_wanted() const = 0;
    /// A piece of it, on the hart at hand: no guest of this hart runs meanwhile, so a piece is
    /// short (docs/architecture.md, "Work between guests"). False where another hart is at it.
    virtual bool run() = 0;

  protected:
    ~HostWork() = default;
};

}  // namespace cairn
