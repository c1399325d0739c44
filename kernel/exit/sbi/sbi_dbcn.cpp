// SPDX-License-Identifier: MIT
// SBI specification, chapter "Debug Console Extension". The buffer is guest memory: it lies in the
// guest's RAM whole, or the call fails with "invalid parameter". One call moves at most `chunk`
// bytes, of one piece of RAM, and says how many it moved, as the specification allows, so no guest
// holds the hart for long. A console that is full takes fewer, or none. "Console write byte" is to
// return once the byte is written: until then the guest makes the call again and again.
//
// A line feed goes out behind a carriage return, as OpenSBI's does: Linux's `earlycon=sbi` has
// none.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/exit/sbi/sbi_calls.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t chunk = 128;  // each may be a call of the firmware

/// How many of the bytes are written. A return that was written without its feed goes out again.
std::size_t put_lines(ByteSink& console, std::span<const std::byte> bytes) {
    constexpr std::array line_end{std::byte{'\r'}, std::byte{'\n'}};
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto rest = bytes.subspan(done);
        const auto feed = std::ranges::find(rest, line_end.back());
        const auto before = static_cast<std::size_t>(feed - rest.begin());
        const std::size_t count = console.put(rest.first(before));
        done += count;
        if (count < before || done == bytes.size()) break;
        const bool has_return = done != 0 && bytes[done - 1] == line_end.front();
        const auto end = std::span(line_end).subspan(has_return ? 1 : 0);
        if (console.put(end) < end.size()) break;
        ++done;
    }
    return done;
}

/// By a copy, which other harts of the guest cannot change.
SbiResult write_bytes(Vm& vm, std::span<const std::byte> bytes) {
    alignas(std::uint64_t) std::array<std::byte, chunk> copy;
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    return sbi_success(put_lines(vm.console(), std::span(copy).first(bytes.size())));
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
