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

constexpr std::byte feed{'\n'}, carriage_return{'\r'};

/// The bytes with a return before each line feed that has none: how many go out.
std::size_t make_lines(std::span<const std::byte> bytes, std::byte* to) {
    const std::byte* const begin = to;
    std::byte last{};
    for (const std::byte each : bytes) {
        if (each == feed && last != carriage_return) [[unlikely]]
            *to++ = carriage_return;
        *to++ = last = each;
    }
    return static_cast<std::size_t>(to - begin);
}

/// How many of the bytes are in the first `written` that went out. A return that went out without
/// its feed does so again.
std::size_t count_of(std::span<const std::byte> bytes, std::size_t written) {
    std::byte last{};
    for (std::size_t done = 0; done < bytes.size(); ++done) {
        const std::size_t size = bytes[done] == feed && last != carriage_return ? 2 : 1;
        if (written < size) return done;
        written -= size;
        last = bytes[done];
    }
    return bytes.size();
}

/// By a copy, which other harts of the guest cannot change.
SbiResult write_bytes(Vm& vm, std::span<const std::byte> bytes) {
    alignas(std::uint64_t) std::array<std::byte, chunk> room;
    std::array<std::byte, 2 * chunk> lines;
    std::memcpy(room.data(), bytes.data(), bytes.size());
    const auto copy = std::span<const std::byte>(room).first(bytes.size());
    const std::size_t size = make_lines(copy, lines.data());
    const std::size_t written = vm.console().put(std::span(lines).first(size));
    return sbi_success(written == size ? copy.size() : count_of(copy, written));
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
