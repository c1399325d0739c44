// SPDX-License-Identifier: MIT
// Has every hart that runs guests forget what it knows of guest physical addresses, and the
// instructions it fetched: a guest's code may lie in another frame from then on. With one hart
// that is two instructions; else the firmware interrupts the others in M-mode, so it works whatever
// they do, with interrupts off too, and may be asked for under a spinlock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/host/memory/page_table.hpp"

namespace cairn {

class GuestTranslations final : public TranslationFence {
  public:
    /// `harts` run guests, this one among them.
    void init(std::size_t harts);
    /// Whether all of them can be reached.
    [[nodiscard]] bool works() const { return alone_ || reachable_; }
    /// Of every VMID: a store to a page that is shown is rare.
    void forget(std::uint64_t address, std::uint64_t size) override;

  private:
    bool alone_ = false;
    bool reachable_ = false;
};

}  // namespace cairn
