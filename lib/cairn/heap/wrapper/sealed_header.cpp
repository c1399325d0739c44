// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/sealed_header.hpp"

#include "cairn/base/mix64.hpp"

namespace cairn::seal_detail {
namespace {

// What an address becomes differs from use to use.
constexpr std::uint64_t seal_salt = golden_step;
constexpr std::uint64_t live_salt = 3 * golden_step;
constexpr std::uint64_t freed_salt = 5 * golden_step;

std::uint64_t salted(const void* at, std::uint64_t salt) {
    return mix64(reinterpret_cast<std::uintptr_t>(at) + salt);
}

}  // namespace

std::uint64_t seal_of(const void* at) {
    return salted(at, seal_salt);
}

/// Its last byte, which the block follows on, is never zero: that is what most often goes too far.
std::uint64_t canary_of(const void* at, bool live) {
    return salted(at, live ? live_salt : freed_salt) | std::uint64_t{1} << 63;
}

std::optional<HeapFaultKind> fault_of(const void* at, bool seal_is_right, std::uint64_t canary) {
    if (canary == canary_of(at, false)) return HeapFaultKind::double_free;
    const bool live = canary == canary_of(at, true);
    if (live && seal_is_right) return std::nullopt;
    if (live) return HeapFaultKind::corrupt_header;
    return seal_is_right ? HeapFaultKind::underflow : HeapFaultKind::invalid_pointer;
}

}  // namespace cairn::seal_detail
