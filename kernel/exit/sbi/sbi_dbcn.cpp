// SPDX-License-Identifier: MIT
// SBI specification, chapter "Debug Console Extension". The buffer is guest memory: it lies in the
// guest's RAM whole, or the call fails with "invalid parameter". One call moves at most `chunk`
// bytes, of one piece of RAM, and says how many it moved, as the specification allows, so no guest
// holds the hart for long. A console that is full takes fewer, or none. "Console write byte" is to
// return once the byte is written: until then the guest makes the call again and again.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t chunk = 128;  // each may be a call of the firmware

/// By a copy, which other harts of the guest cannot change.
SbiResult write_bytes(Vm& vm, std::span<const std::byte> bytes) {
    alignas(std::uint64_t) std::array<std::byte, chunk> copy;
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    return sbi_success(vm.console().put(std::span(copy).first(bytes.size())));
}

SbiResult read_bytes(Vm& vm, std::span<std::byte> bytes) {
    const DeviceGuard guard(vm.device_lock());
    std::size_t count = 0;
    while (count < bytes.size()) {
        const auto byte = vm.take_typed();
        if (!byte) break;
        bytes[count++] = *byte;
    }
    return sbi_success(count);
}

SbiResult transfer(Vm& vm, SbiDbcn function, SbiCall call) {
    const auto [size, low, high] =
        std::array{call.arguments[0], call.arguments[1], call.arguments[2]};
    if (high != 0) return sbi_error(SbiError::invalid_param);
    if (!vm.memory().holds(GuestPhys{low}, size)) return sbi_error(SbiError::invalid_param);
    const RamHold held = vm.memory().hold();
    const auto buffer = vm.memory().piece(GuestPhys{low}, std::min(size, chunk));
    if (!buffer) return sbi_error(SbiError::failed);
    return function == SbiDbcn::console_write ? write_bytes(vm, *buffer) : read_bytes(vm, *buffer);
}

}  // namespace

SbiResult sbi_dbcn(Vm& vm, Vcpu& vcpu, SbiCall call) {
    const auto function = static_cast<SbiDbcn>(call.function);
    switch (function) {
        case SbiDbcn::console_write:
        case SbiDbcn::console_read: return transfer(vm, function, call);
        case SbiDbcn::console_write_byte:
            if (!put_byte(vm, call)) return sbi_again(vcpu, call);
            return sbi_success();
    }
    return sbi_error(SbiError::not_supported);
}

}  // namespace cairn
