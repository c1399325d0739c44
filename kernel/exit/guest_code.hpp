// SPDX-License-Identifier: MIT
// The guest's code as it lies in its RAM, where the hart itself may not read it: in a page with
// breakpoints or watchpoints (kernel/vm/memory/patched_pages.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/vm/vm.hpp"

namespace cairn {

/// Where in its RAM `address` is for the guest, on its own hart, with two bytes there.
[[nodiscard]] std::optional<GuestPhys> find_code(const GuestMemory& memory, std::uint64_t address);

/// The instruction at pc; of a short one, the upper half is 0.
[[nodiscard]] std::optional<std::uint32_t> read_code(Vm& vm, const Vcpu& vcpu);

/// Whether code at `code` lies in the page of `at`.
[[nodiscard]] bool is_in_page_of(const GuestMemory& memory, std::uint64_t code, GuestPhys at);

}  // namespace cairn
