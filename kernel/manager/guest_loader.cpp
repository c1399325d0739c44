// SPDX-License-Identifier: MIT
#include "kernel/manager/guest_loader.hpp"

#include <algorithm>

#include "lib/panic.hpp"

namespace cairn {
namespace {

std::span<std::byte> place(GuestMemory& memory, GuestRange range) {
    const auto bytes = memory.bytes(range.base, range.size);
    require(bytes.has_value(), "a load plan lies in the guest's memory");
    return *bytes;
}

/// Zeroes everything in RAM that lies outside [from, to), in guest addresses.
void zero_around(GuestMemory& memory, GuestPhys from, GuestPhys to) {
    const GuestRange ram = memory.range();
    std::memset(place(memory, {ram.base, from - ram.base}).data(), 0, from - ram.base);
    std::memset(place(memory, {to, ram.end() - to}).data(), 0, ram.end() - to);
}

}  // namespace

std::expected<GuestEntry, GuestFdtError> load_guest(const BundleVm& vm, const LoadPlan& plan,
                                                    GuestMemory& memory, GuestFdtConfig tree) {
    // The kernel's own bytes are about to be written whole: no need to zero them first.
    zero_around(memory, plan.kernel.base, plan.kernel.base + vm.kernel.size());
    std::ranges::copy(vm.kernel, place(memory, {plan.kernel.base, vm.kernel.size()}).begin());
    if (vm.initrd) {
        std::ranges::copy(*vm.initrd, place(memory, plan.initrd).begin());
        tree.initrd = plan.initrd;
    }
    tree.memory = memory.range();
    const std::span<std::byte> room = place(memory, plan.fdt);
    const auto written = write_guest_fdt(room, tree);
    if (!written) return std::unexpected(written.error());
    std::ranges::fill(room.subspan(written->size()), std::byte{0});  // the writer worked there
    return GuestEntry{.pc = plan.kernel.base, .device_tree = plan.fdt.base};
}

}  // namespace cairn
