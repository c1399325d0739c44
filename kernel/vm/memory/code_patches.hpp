// SPDX-License-Identifier: MIT
// Breakpoints in a guest's code that the guest does not see: where there is one, its harts meet an
// ebreak, and whoever reads memory finds what the guest has there.
#pragma once

#include <cstdint>

#include "kernel/arch/address.hpp"

namespace cairn {

class CodePatches {
  public:
    /// What a hart of the guest wants of a page with breakpoints.
    enum class Use : std::uint8_t { fetch, access };

    /// At an instruction, in RAM. False where there is no room for it, or the page can have none.
    [[nodiscard]] virtual bool insert(GuestPhys at) = 0;
    virtual void remove(GuestPhys at) = 0;
    virtual void remove_all() = 0;
    [[nodiscard]] virtual bool has(GuestPhys at) = 0;
    [[nodiscard]] virtual bool is_patched_page(GuestPhys at) = 0;
    /// Lets harts do what they were refused; false where nobody is refused that any more.
    virtual bool open(GuestPhys at, Use use) = 0;
    /// The page has no breakpoints any more, and can have none until `remove_all`.
    virtual void give_up(GuestPhys at) = 0;

  protected:
    ~CodePatches() = default;
};

}  // namespace cairn
