// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/guest_loader.hpp"

#include <algorithm>

namespace cairn {
namespace {

constexpr GuestLoadError no_memory{};

}  // namespace

std::string_view to_string(const GuestLoadError& error) {
    return error.tree ? to_string(*error.tree) : "there is no memory for its page tables";
}

std::expected<GuestEntry, GuestLoadError> load_guest(const BundleVm& vm, const LoadPlan& plan,
                                                     const GuestMemory& memory,
                                                     GuestFdtConfig tree) {
    if (!memory.copy_in(plan.kernel.base, vm.kernel)) return std::unexpected(no_memory);
    if (vm.initrd) {
        if (!memory.copy_in(plan.initrd.base, *vm.initrd)) return std::unexpected(no_memory);
        tree.initrd = plan.initrd;
    }
    tree.memory = memory.range();
    const auto room = memory.bytes(plan.fdt.base, plan.fdt.size);
    if (!room) return std::unexpected(no_memory);
    const auto written = write_guest_fdt(*room, tree);
    if (!written) return std::unexpected(GuestLoadError{written.error()});
    std::ranges::fill(room->subspan(written->size()), std::byte{0});  // the writer worked there
    return GuestEntry{.pc = plan.kernel.base, .device_tree = plan.fdt.base};
}

}  // namespace cairn
